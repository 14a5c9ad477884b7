# Text tools: cut, tr, sort, uniq, head, tail, wc, nl, fold, paste, rev, tac, expand.
printf 'banana 3\napple 10\ncherry 2\napple 1\n' > f
sort f; sort -r f; sort -k2 -n f; sort -u -k1,1 f; sort -t' ' -k1,1 -k2,2nr f
cut -d' ' -f1 f | sort | uniq -c | sort -rn
cut -c1-3 f; cut -d' ' -f2 f | paste -s -d+
tr a-z A-Z < f; tr -d aeiou < f; tr -s p < f; tr -c 'a-z\n' _ < f
head -n 2 f; tail -n 1 f; tail -n +3 f; head -c 5 f; echo; tail -c 4 f
wc f; wc -l < f; wc -c f; wc -w f
nl f; fold -w 4 f; rev f; tac f
printf 'a\tb\n' | expand | od -c; printf '        x\n' | unexpand | od -c
seq 3 > n; seq 4 6 > m; paste n m; paste -d, n m
seq 10 -3 1; seq -w 8 11; seq -s : 5
comm 2> /dev/null; echo $?
cmp n m; echo $?; cmp n n; echo $?
yes | head -n 3; printf 'x\0y' | strings -n 1; printf 'b\na\n' | sort -c; echo $?

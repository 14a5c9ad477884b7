# sed: addresses, substitution, hold space, branches, in place, files.
seq 10 > n
sed -n '3p;5,7p;$p' n; sed '2d;/5/,/7/d' n | tr '\n' ' '; echo
sed 's/1/one/;s/\(.\)0/<\1>/' n | tail -n 1; echo hello | sed 's/l/L/2;s/$/!/'
echo 'a b c' | sed -E 's/(\w) (\w)/\2 \1/'; echo aaa | sed 's/a/b/g;y/b/c/'
sed -n '/3/{p;n;p}' n; sed '1!G;h;$!d' n | tr '\n' ' '; echo
sed -n '$=' n; sed '3i\inserted' n | head -n 4; sed '3a\after' n | sed -n 4p
sed '2c\changed' n | sed -n 2p
sed ':a;N;$!ba;s/\n/,/g' n; echo 'path/to' | sed 's|/|:|'
sed -i 's/^/x/' n; head -n 2 n; sed -n 'w out' n; wc -l < out; sed '5q' n | wc -l
echo abc | sed 's/b/[&]/'; echo 'x=1' | sed -n 's/x=//p'
printf 'a\nb\n' | sed -e '1{' -e 's/a/A/' -e '}'

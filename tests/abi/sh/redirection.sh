# Redirection and descriptors: order, closing, /dev/fd ways, noclobber, append by many.
{ echo 1; echo 2 >&2; } > o 2> e; cat o e; { echo 1; echo 2 >&2; } > both 2>&1; cat both
echo x >&- 2> /dev/null; echo $?; cat < none 2> /dev/null; echo $?
set -C; echo a > new; echo b > new 2> /dev/null; echo $?; echo c >| new; cat new; set +C
i=0; while [ $i -lt 20 ]; do (echo line $i >> app) & i=$((i + 1)); done; wait; wc -l < app
sort -u app | wc -l
exec 4<> rw; echo hello >&4; exec 4>&-; cat rw; exec 6>&1; exec > log; echo logged
exec >&6 6>&-; cat log; cat <&0 < rw; (exec < rw; read x; echo $x)
echo to full > /dev/full 2> /dev/null; echo $?; cat rw > /dev/null; cat rw - < new
while read -r l; do echo "[$l]"; done < rw; cat /proc/self/fd/0 < new; head -c 3 rw | cat - new

# diff and patch: what diff says, patch does.
seq 20 > a; sed '5d;10s/.*/ten/;15a\new' a > b
diff a b; echo $?; diff -u a b | tail -n +3; diff a a; echo $?; diff -q a b; echo $?
diff -u a b > p; cp a c; patch c < p; cmp b c && echo patched; patch -R c < p
cmp a c && echo back
mkdir x y; echo 1 > x/f; echo 2 > y/f; echo only > x/g; diff -r x y; echo $?; diff -rq x y
printf 'a b\n' > s; printf 'a  b\n' > t; diff -b s t; echo $?; diff -w s t; echo $?
printf 'no newline' > n; printf 'no newline\n' > m; diff n m
cp a d; (cd . && patch -p0 < p > /dev/null 2>&1; echo $?)

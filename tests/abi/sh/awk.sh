# awk: fields, patterns, arrays, functions, printf, getline, system, pipes.
printf 'alice 30 x\nbob 25 y\ncarol 35 x\n' > f
awk '{ print $2, $1 }' f; awk '$2 > 26 { n++; s += $2 } END { print n, s, s / n }' f
awk -F: 'NR == 1 { print $1 }' /etc/passwd
awk 'BEGIN { printf "%5.2f|%-6s|%03d|%x\n", 3.14159, "ab", 7, 255 }'
awk '{ c[$3] += $2 } END { for (k in c) print k, c[k] }' f | sort
awk 'function f(n) { return n <= 1 ? 1 : n * f(n - 1) } BEGIN { print f(10) }'
awk 'BEGIN { while (("echo a; echo b" | getline line) > 0) print "got", line; close("echo a; echo b") }'
awk 'BEGIN { system("echo from system"); print "sorted b" | "sort"; print "sorted a" | "sort"; close("sort") }'
awk 'BEGIN { s = "hello world"; gsub(/o/, "0", s); print s, length(s), index(s, "w"), substr(s, 1, 5), toupper(s) }'
awk 'BEGIN { n = split("a:b:c", p, ":"); print n, p[3]; print match("xxabc", /abc/), RSTART, RLENGTH }'
awk 'NR % 2' f; awk 'END { print NR }' f; awk '/bob/,/carol/' f
echo 5 | awk '{ print $1 ^ 2, sqrt($1 * $1), int(-2.5) }'
awk -v v=42 'BEGIN { print v; exit 3 }'; echo $?; awk 'BEGIN { print ENVIRON["HOME"], ARGC }'
awk 'BEGIN { RS = ";" } { print NR ": " $0 }' <<X
a;b;c
X

# expr, bc, dc, factor, printf, shell arithmetic.
expr 3 + 4 \* 2; expr 10 / 3; expr 10 % 3; expr abc : 'a\(.*\)'; expr length hello; expr 1 = 2
echo $?; expr substr hello 2 3; expr 5 '>' 3
echo '2^64; scale=5; 10/3; sqrt(2)' | bc
echo 'define f(n) { if (n < 2) return n; return f(n-1) + f(n-2); } f(15)' | bc
echo '16i FF p' | dc; echo '2 3 + p 4 * p' | dc
factor 1001 97 360; printf '%d %x %o %c %s %5.1f %e\n' 42 255 8 A str 2.55 12345.678
printf '%s\n' a b c; printf '%b' 'tab\there\n'; printf '%5s|%-5s|\n' x y
echo $((7 / 2)) $((-7 / 2)) $((7 % 3)) $((1 << 40)) $((0x1F)) $((010)) $((5 > 3 && 2 < 1)) $((~5)) $((3 ? 4 : 5)); x=5; echo $((x++)) $x $((x *= 3)) $((--x))
echo $((9223372036854775807 + 1)); test 5 -gt 3 -a 2 -lt 1; echo $?; [ -n "" ]; echo $?
[ abc = abc ] && echo equal; [ ! -e none ] && echo none; [ 1 -eq 01 ] && echo one
date -u -d @0; date -u -d @1700000000 '+%Y-%m-%d %H:%M:%S %j %a %b'
date -u -d '2024-02-29 12:00:00' +%s; cal 2 2024

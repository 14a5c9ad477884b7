# The shell's language: quoting, expansion, here-documents, functions, loops, case, traps.
a='x y'; echo $a "$a" '$a' \$a "${a#x }" "${a%y}" ${#a} ${b:-def} ${b:=set} $b ${a:+alt}
p=/usr/lib/x.tar.gz; echo ${p##*/} ${p%.*} ${p%%.*} ${p#*/} ${p/lib/LIB} ${p:5:3}
cat <<X; cat <<'Y'; cat <<-Z
v: $a $((1 + 1)) $(echo sub) \$
X
raw: $a
Y
	tabs gone
Z
f() { local v=in; echo "$# $1 $v"; return 3; }; v=out; f one two; echo $? $v; set -- p q r
shift; echo $* $#; for i; do echo -n "<$i>"; done; echo
for i in 1 2 3 4 5; do [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; i=0
while [ $i -lt 3 ]; do i=$((i + 1)); done; echo $i; until [ $i = 0 ]; do i=$((i - 1)); done
echo $i
case abc in a*) echo star;; esac; case x in [0-9]) echo no;; x | y) echo or;; *) echo no;; esac; if false; then echo no; elif true; then echo elif; else echo no; fi
(exit 4); echo $?; ! true; echo $?; true && echo and || echo no; false || echo or
{ echo group; }; (cd /; pwd); x=$(printf 'a\n\n'); echo "[$x]"; echo `echo back\`echo tick\``
echo *.none; touch 1.t 2.t; echo *.t; echo ?.t [2]*; set -f; echo *.t; set +f; IFS=:; s=a:b:c; for w in $s; do echo -n "$w "; done; echo; unset IFS; read x y <<X
first second third
X
echo "$x|$y"; eval 'echo ev$((2*2))al'; command -v echo; type cd; alias zz='echo aliased'
alias zz; unset v; echo ${v-unset}; export E=env; sh -c 'echo $E'
trap 'echo exit trap' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; (trap - EXIT; echo sub)
set -e; false || true; echo still; set +e; set -u; (echo $undefined) 2> /dev/null; echo $?
set +u
sh -c 'set -o pipefail; false | true'; echo $?; echo a > f; echo b >> f; cat < f
{ echo out; echo err >&2; } 2>&1 | sort; exec 5> g; echo to5 >&5; exec 5>&-; cat g
echo x 2>&1 > /dev/null; (: ${q?message}) 2> /dev/null; echo $?

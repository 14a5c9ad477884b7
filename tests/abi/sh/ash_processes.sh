# Processes from the shell: pipelines, background jobs, wait, signals, subshells, timeout, nohup, FIFOs.
(sleep 0.2; exit 7) & wait $!; echo wait $?; true & false & wait; echo all $?; sleep 5 & kill $!
wait $! 2> /dev/null; echo killed $?; (kill -9 $(sh -c 'echo $PPID')) 2> /dev/null; echo sub $?
sh -c 'kill -TERM $$'; echo term $?; sh -c 'kill -INT $$; echo no'; echo int $?
sh -c 'trap "echo caught; exit 9" TERM; kill $$; sleep 1'; echo trap $?
seq 1000 | cat | cat | tail -n 1; yes | head -n 1000 | wc -l; echo x | (read y; echo got $y)
echo "$(echo inner | tr a-z A-Z)"; sh -c 'exit 3' | cat; echo last $?; (exit 2) | (exit 5)
echo pipe $?
timeout 1 sleep 5; echo timeout $?; timeout 5 true; echo $?; timeout -s KILL 1 sleep 5; echo $?
timeout 1 sh -c 'trap "" TERM; sleep 0.1; exit 4'; echo $?
mkfifo p; (echo through fifo > p &) ; cat p; nohup echo nohup 2> /dev/null
setsid sh -c 'echo session'; env -i A=1 env; env A=2 sh -c 'echo $A'
nice -n 5 echo nice 2> /dev/null || echo no nice; time true 2> /dev/null; which sh > /dev/null
echo $?
i=0; while [ $i -lt 60 ]; do (exit $i) & i=$((i + 1)); done; wait; echo many; x=0
for i in 1 2 3 4 5 6 7 8; do x=$((x + $(echo $i))); done; echo $x
echo $(sh -c 'echo $PPID') | grep -qx $$ && echo parent; exec 3< /etc/passwd; read -r line <&3; echo "${line%%:*}"; exec 3<&-; sh -c 'echo $0 $1' name arg; sh -s a b <<'X'
echo stdin $1 $2
X
printf 'exit 6\n' > s; sh s; echo $?; chmod +x s; ./s; echo $?; ./none 2> /dev/null; echo $?
(. ./none) 2> /dev/null; echo $?

# What the machine says about itself, as far as it is the same everywhere.
uname -s; uname -m; id -u; id -un; whoami; hostname > /dev/null; echo $?
nproc > /dev/null && echo nproc; pwd > /dev/null; env | grep -c '^HOME='; tty; echo $?
logname > /dev/null 2>&1; groups
ps > ps.out; head -n 1 ps.out; grep -q 'ps' ps.out && echo sees itself
ps -o pid,ppid,comm > ps2.out && head -n 1 ps2.out; free > free.out
head -n 1 free.out | tr -s ' '; df /proc > /dev/null && echo df; mount > /dev/null && echo mount
uptime > /dev/null && echo uptime
top -b -n 1 > top.out; grep -c '^Mem' top.out; stat -f / > /dev/null && echo statfs
pidof init > /dev/null; date > /dev/null && echo date; cat /proc/version | cut -d' ' -f1
cat /proc/sys/kernel/ostype 2> /dev/null; kill -l | head -n 1; sync && echo sync
usleep 1000 && echo usleep; sleep 0.05 && echo sleep
ls /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/console
readlink /proc/self/exe > /dev/null && echo exe; [ -r /proc/self/maps ] && echo maps
[ -d /proc/1 ] && echo one; ls /proc/self/fd | wc -l
grep -c processor /proc/cpuinfo > /dev/null && echo cpuinfo
awk '/MemTotal/ { print $3 }' /proc/meminfo
cut -d' ' -f1 /proc/loadavg > /dev/null && echo loadavg; grep -c cpu0 /proc/stat

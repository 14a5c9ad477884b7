# batch.sh LIST DIRECTORY SECONDS - runs in the guest, under all.t: each line of LIST
# is a name and a command, to be run in DIRECTORY, empty, for so many SECONDS at most.
# Output goes to a file first, as it does on Linux, so that programs see no terminal.  What a
# program leaves running is killed, and would not write into the file of the next.
list=$1
work=$2
limit=$3
now() { read -r uptime rest < /proc/uptime; }
umask 022
while read -r name command; do
    now
    echo "=== begin $name $uptime"
    rm -rf "$work" /tmp/out
    mkdir -p "$work"
    cd "$work"
    env -i HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin setsid \
        timeout -s KILL "$limit" $command > /tmp/out 2>&1 < /dev/null
    status=$?
    kill -KILL -1 2> /dev/null
    cat /tmp/out
    echo
    now
    echo "=== end $name $status $uptime"
    cd /
done < "$list"

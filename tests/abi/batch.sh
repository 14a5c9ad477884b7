# batch.sh SECONDS - runs in the guest, under all.t: each line of /t/list is a
# name and a command.  Output goes to a file first, as it does on Linux, so that
# programs see no terminal.
list=/t/list
mkdir -p /tmp/batch
while read -r name command; do
    echo "=== begin $name"
    rm -rf /tmp/batch/work
    mkdir /tmp/batch/work
    cd /tmp/batch/work
    env -i HOME=/root PATH=/bin:/sbin:/usr/bin:/usr/sbin setsid \
        timeout -s KILL "$1" $command > /tmp/batch/out 2>&1 < /dev/null
    status=$?
    cat /tmp/batch/out
    echo
    echo "=== end $name $status"
    cd /
done < $list

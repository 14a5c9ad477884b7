#!/bin/bash
# /sys is there before init without having been asked for; CPUs are cores of one package, which have
# caches of levels 1 and 2 of their own and share the third.
# not on qemu: QEMU's machine has a topology of its own
. tests/vm/lib.sh

vm -- grep ' /sys ' /proc/mounts
is 'it is mounted, though nobody went there' "$out" 'sysfs /sys sysfs rw 0 0'
vm -- sh -c 'umount /sys && ls -A /sys && mount -t sysfs none /sys && mount -t sysfs none /sys && ls /sys | wc -l'
is 'it can be unmounted, leaving an empty directory, and mounted, also twice' "$out $status" '9 0'
vm -- rmdir /sys
is 'its directory is in use' "$status $out" "1 rmdir: '/sys': Device or resource busy"
mkdir -p "$work/tree/bin"
cp "$(command -v busybox)" "$work/tree/bin/sh"
vm --root "$work/tree" -- sh -c 'echo /s* /proc/mounts; while read -r a b c; do echo $c; done < /proc/mounts'
is 'a root without that directory has none' "$(grep -c sysfs <<< "$out") $status" '0 0'

vm -- sh -c 'cd /sys/block/loop0 && truncate -s 4096 /tmp/file && losetup /dev/loop0 /tmp/file && ls -d loop &&
    { mount -t tmpfs none loop 2> /dev/null || mount -t tmpfs none queue; } && losetup -d /dev/loop0 && ls -d loop queue 2> /dev/null'
is 'what is there at times has nothing mounted on it, and goes' "$out" $'loop\nqueue'

caches='cd /sys/devices/system/cpu && for i in cpu2/cache/index*; do echo "$(cat $i/level): $(cat $i/shared_cpu_list)"; done | sort -u'
for cpus in 3 4; do
    vm -c $cpus -- sh -c "$caches"
    is "$cpus CPUs share caches of level 3 and no others" \
        "$(sed "s/^[12]: 2\$/own/; s/^[34]: 0-$((cpus - 1))\$/shared/" <<< "$out" | grep -vE '^(own|shared|cpu2.*)$')" ''
    vm -c $cpus -- sh -c 'cd /sys/devices/system/cpu/cpu2/topology && echo $(cat core_id core_cpus_list package_cpus_list physical_package_id)'
    is '... and are cores of one package' "$out" "2 2 0-$((cpus - 1)) 0"
done
vm -- sed -n 's/^model name.*: //p' /proc/cpuinfo
is 'the processor has its name' "$(xargs <<< "$out")" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1 | xargs)"
done_testing

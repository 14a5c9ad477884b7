#!/bin/bash
# limit: 100
# guest.elf is a standard PVH kernel: QEMU boots it, also with another root image and more
# than one vCPU, and a script runs in it.
# not on nested, qemu: it runs on QEMU anyway
. tests/vm/lib.sh

vm_qemu -- sh -c 'uname -s; ls /bin/busybox; seq 3 | while read n; do echo n$n; done; sleep 1; ps | wc -l'
is 'status' "$status" 0
like 'Linux' "$out" '^Linux'
like 'a pipeline' "$out" '^n3$'
mkdir -p "$work/root/bin" "$work/root/dev" "$work/root/proc" "$work/root/sbin"
cp "$(command -v busybox)" "$work/root/bin/busybox"
ln -s busybox "$work/root/bin/sh"
printf '#!/bin/sh\necho my own init $0\nexit 6\n' > "$work/root/sbin/init"
chmod +x "$work/root/sbin/init"
"$O/mkroot" -o "$work/img" "$work/root"
run_machine qemu-system-x86_64 "${qemu_options[@]}" -m 128M -kernel "$KERNEL" -initrd "$work/img"
like 'a root image of one'\''s own' "$out" 'my own init /sbin/init'
is 'its status' "$status" 13
if [ "$host" = kvm ]; then
    vm_kvm --initrd "$work/img"
    like 'the same with --initrd' "$out" 'my own init /sbin/init'
    is 'and its status' "$status" 6
fi
done_testing

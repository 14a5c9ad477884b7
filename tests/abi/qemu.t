#!/bin/bash
# limit: 600
# qemu.t - the same comparison with Linux where the guest runs on QEMU, a PVH host that is not
# ours and has other ways into the kernel.  The kernel is the one that checks its locks.
[ -w /dev/kvm ] && [ "${HOST-}" != qemu ] || { echo '1..0 # SKIP all.t has run on QEMU'; exit 0; }
export KERNEL=${KERNEL:-${O:-build}/guest-locks.elf}
HOST=qemu exec perl tests/abi/all.t

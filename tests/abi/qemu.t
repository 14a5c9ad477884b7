#!/bin/bash
# limit: 900
# qemu.t - the same comparison with Linux where the guest runs on QEMU, a PVH host that is not
# ours and has other ways into the kernel; on two CPUs, with the kernel that checks its locks.
[ -w /dev/kvm ] && [ "${HOST-}" != qemu ] || { echo '1..0 # SKIP all.t has run on QEMU'; exit 0; }
export HOST=qemu ABI_CPUS=${ABI_CPUS:-2} KERNEL=${KERNEL:-${O:-build}/guest-locks.elf}
exec perl tests/abi/all.t

#!/bin/bash
# limit: 600
# The programs of tests/abi about threads, processes and signals on four CPUs under our vmm, where Linux
# is the judge as in all.t.  (abi/qemu.t runs all of them on two.)
# not on nested, qemu: it is abi/all.t again, which goes there by itself
[ -w /dev/kvm ] && [ "${HOST-}" != qemu ] || { echo '1..0 # SKIP abi/qemu.t has run on several CPUs'; exit 0; }
export ABI_CPUS=4 KERNEL=${O:-build}/guest-locks.elf
export ABI_ONLY='thread_* futex_* pthread_signals pthread_fork pthread_cancel signal_threads vfork_threads
    vfork_second vfork_kill_parent pipe_* glibc/thread_exec glibc/pthread_robust'
exec perl tests/abi/all.t

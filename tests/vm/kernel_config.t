#!/bin/bash
# /proc/config.gz is guest/procfs/kernel_config, and says of system calls that are there that they are, and of others
# that they are not.  (swapon is there without swap: what it says of a file that cannot be swapped to.)
. tests/vm/lib.sh

vm -- sh -c 'zcat /proc/config.gz'
is 'it unpacks to the list in the source' "$(tr -d '\r' <<< "$out")" "$(cat guest/procfs/kernel_config)"

calls='EPOLL epoll_create1
SIGNALFD signalfd4
TIMERFD timerfd_create
EVENTFD eventfd2
INOTIFY_USER inotify_init1
AIO io_setup
FUTEX futex
MEMBARRIER membarrier
RSEQ rseq
KCMP kcmp
POSIX_TIMERS timer_create
SYSVIPC shmget
POSIX_MQUEUE mq_open
CROSS_MEMORY_ATTACH process_vm_readv
SECCOMP seccomp
ADVISE_SYSCALLS madvise
MEMFD_CREATE memfd_create
CACHESTAT_SYSCALL cachestat
NET socket
BPF_SYSCALL bpf
FANOTIFY fanotify_init
FHANDLE name_to_handle_at
IO_URING io_uring_setup
KEYS keyctl
MODULES init_module
QUOTA quotactl
USERFAULTFD userfaultfd'
wrong=$(while read -r option call; do
    says=$(grep -c "^CONFIG_$option=y" guest/procfs/kernel_config)
    there=$(grep -c "^SYSCALL($call[,)]" shared/syscalls.h)
    [ "$says" = "$there" ] || echo "$option: $call"
done <<< "$calls")
is 'each option is as its call is' "$wrong" ''
done_testing

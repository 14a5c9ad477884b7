#!/bin/bash
# limit: 900
# On the nested host: what differs there from other hosts.  Status; the kernel's entry, XSAVE and
# reports; a trace and its audit on two CPUs; processes, threads and vector registers.
exec tests/hosts/nested-tests vm/exit_status vm/entry_jump vm/vmm_guests vm/boot_report vm/locks vm/sched \
    abi/vfork_{exec_memory,threads,kill_parent} abi/fork_memory abi/signal_threads \
    abi/glibc/{avx,spawn,pthread_mutex,thread_exec}

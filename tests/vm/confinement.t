#!/bin/bash
# limit: 120
# Inside the sandbox: the system calls that a thread may make are these and no others, with these
# arguments, and everything else ends vmm with a line that names the call.
# not on nested, qemu: it starts no machine
. tests/vm/lib.sh

confined() { timeout 100 "$O/tests/vm/confined" "$@" 2>&1; }
words() { tr -s ' \n' '\n\n' | grep . | sort; }

# uretprobe and uprobe, 335 and 336, are the kernel's own for probes, and Linux 6.14 and later let
# them pass every filter; made by a program they are SIGILL.
both='write fstat poll munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pwrite64 writev sched_yield
      mremap madvise getpid gettid exit exit_group futex restart_syscall clock_gettime clock_nanosleep
      openat newfstatat getrandom sched_getaffinity pread64'
main_only='read close lseek access fcntl ftruncate getcwd readlink sysinfo'
vcpu_only='fallocate'
is 'the main thread may make these calls' "$(confined main | grep -vE '^number 33[56]$' | words)" \
    "$(words <<< "$both $main_only")"
is 'a vCPU'\''s thread these' "$(confined vcpu | grep -vE '^number 33[56]$' | words)" \
    "$(words <<< "$both $vcpu_only")"
tool='write fstat lseek munmap brk rt_sigaction rt_sigprocmask rt_sigreturn writev mremap madvise getpid gettid
      exit exit_group futex restart_syscall clock_gettime sysinfo close openat newfstatat
      pread64 pwrite64 ftruncate'
is 'vmm-trace, with its files mapped, these' "$(confined tool | grep -vE '^number 33[56]$' | words)" "$(words <<< "$tool")"
is 'with these arguments' "$(confined deny)" ''

left=$(confined drop)
like 'an inherited descriptor is closed' "$left" '^inherited descriptor: Bad file descriptor$'
like 'its own stay' "$left" '^own descriptor: works$'
like '... and can be written' "$left" '^write to it: works$'
like '... and cut' "$left" '^cut it: works$'
like 'no capability is left' "$left" '^capabilities: 0$'
like 'no further descriptor can be had' "$left" '^another descriptor: Invalid argument$'
if "$O/tests/vm/confined" landlock; then
    for what in 'reading a file' 'reading a directory' 'removing a file' 'making a file' 'making a directory' 'executing'; do
        like "$what" "$left" "^$what: Permission denied\$"
    done
else
    echo '# this kernel has no Landlock: paths are closed by the filter alone'
fi
rm -f "$(tail -n 1 <<< "$left")"
done_testing

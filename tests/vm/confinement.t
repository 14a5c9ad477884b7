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
      openat newfstatat getrandom sched_getaffinity pread64 fallocate'
main_only='read close lseek access fcntl ftruncate getcwd readlink sysinfo'
is 'the main thread may make these calls' "$(confined main | grep -vE '^number 33[56]$' | words)" \
    "$(words <<< "$both $main_only")"
is 'a vCPU'\''s thread these' "$(confined vcpu | grep -vE '^number 33[56]$' | words)" \
    "$(words <<< "$both")"
is '... with --audit=trap, too' "$(confined trap | grep -vE '^number 33[56]$' | words)" "$(words <<< "$both")"
tool='write fstat lseek munmap brk rt_sigaction rt_sigprocmask rt_sigreturn writev mremap madvise getpid gettid
      exit exit_group futex restart_syscall clock_gettime sysinfo close openat newfstatat
      pread64 pwrite64 ftruncate'
is 'vmm-trace, with its files mapped, these' "$(confined tool | grep -vE '^number 33[56]$' | words)" "$(words <<< "$tool")"
keep='write read fstat lseek munmap brk rt_sigaction rt_sigprocmask rt_sigreturn writev mremap madvise getpid gettid
      exit exit_group futex restart_syscall clock_gettime close openat newfstatat pread64 pwrite64 ftruncate fcntl getrandom
      openat2 mkdirat symlinkat linkat renameat renameat2 unlinkat fchmod utimensat getdents64'
is 'vmm-root --keep, which makes files, these' "$(confined keep | grep -vE '^number 33[56]$' | words)" "$(words <<< "$keep")"
is 'with these arguments' "$(confined deny)" ''

left=$(confined drop)
like 'an inherited descriptor is closed' "$left" '^inherited descriptor: Bad file descriptor$'
like 'its own stay' "$left" '^own descriptor: works$'
like '... and can be written' "$left" '^write to it: works$'
like '... and cut' "$left" '^cut it: works$'
like 'no capability is left' "$left" '^capabilities: 0$'
like 'no further descriptor can be had' "$left" '^another descriptor: Invalid argument$'
beneath=$(confined beneath)
for what in 'a file in its directory' 'a directory in it' 'a new name' 'a hard link' removing; do
    like "vmm-root --keep, beneath its directory: $what" "$beneath" "^$what: works\$"
done
like '... with no capability but to write for root' "$beneath" '^capabilities but DAC_OVERRIDE: 0$'
if "$O/tests/vm/confined" landlock; then
    for what in 'a FIFO' 'a file beside it' 'a file elsewhere'; do
        like "... but not $what" "$beneath" "^$what: Permission denied\$"
    done
    for what in 'reading a file' 'reading a directory' 'removing a file' 'making a file' 'making a directory' 'executing'; do
        like "$what" "$left" "^$what: Permission denied\$"
    done
else
    echo '# this kernel has no Landlock: paths are closed by the filter alone'
fi
rm -f "$(tail -n 1 <<< "$left")"
rmdir "$(tail -n 1 <<< "$beneath")"
done_testing

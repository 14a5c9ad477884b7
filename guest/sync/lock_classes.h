/* lock_classes.h - every lock of the kernel, in the order in which they may be
 * taken: a lock may be taken while holding those before it, never the other way
 * round.  The kernel of the tests (-DLOCKS=1) checks it: lock_check.c.
 *
 * X(class, two of the class, what it guards).  Two locks of one class at a time:
 *   ONE      never
 *   ADDRESS  the one at the lower address first
 *   NEW      the second belongs to an object that nobody else knows yet: it never waits
 *   NESTED   the second belongs to what the first one's owner watches, which is never a circle
 *
 * Mutexes come first: who holds a spinlock does not sleep, and that includes user
 * memory, whose fault takes an address space's mutex. */
/* clang-format off */
#define LOCK_CLASSES(X) \
    /* mutexes */ \
    X(file,         ADDRESS, "struct file: its position; two: copy_file_range") \
    X(pfs_text,     ONE,     "the text of an open file of /proc or /sys") \
    X(fs_tree,      ONE,     "names, mounts, link counts") \
    X(inode,        ADDRESS, "struct inode: size and attributes; writes to its pages") \
    X(epoll_nest,   ONE,     "which epoll watches which other one") \
    X(epoll,        NESTED,  "struct epoll: what it watches; held over a look at all that is ready") \
    X(pipe,         ADDRESS, "struct pipe") \
    X(socket_read,  ONE,     "one reader of a socket at a time") \
    X(pty_pairs,    ONE,     "which pairs of a pseudo-terminal are in use") \
    X(tty_writing,  ONE,     "the pages that a write(2) to a terminal goes through") \
    X(ipc,          ONE,     "a System V set of semaphores or queue of messages; a POSIX queue") \
    X(keys,         ONE,     "all keys and keyrings") \
    X(syslog,       ONE,     "what syslog(2) has read of the log") \
    X(seccomp,      ONE,     "who may add filters of system calls") \
    X(mm,           NEW,     "struct mm: mappings, page tables, counts; NEW: fork's copy") \
    X(file_locks,   ONE,     "flock and fcntl locks on files") \
    X(futex_lend,   ONE,     "what those who wait for a lock lend to its owner") \
    /* spinlocks */ \
    X(fd_table,     ONE,     "struct files") \
    X(fs_ctx,       ONE,     "working directory, root, umask") \
    X(names,        ONE,     "name and parent of a dentry, with fs_tree: either is enough to read") \
    X(tree,         ONE,     "the family: processes, threads, groups, sessions, PIDs; ends and stops") \
    X(itimer,       ONE,     "timers of processes") \
    X(sighand,      ONE,     "dispositions, masks, pending signals") \
    X(charge,       ONE,     "how many signals each user has queued") \
    X(tty,          ONE,     "struct tty") \
    X(vfork,        ONE,     "task.vfork_waiter, vfork_cause") \
    X(futex,        ADDRESS, "waiters on words of user memory; two: requeue") \
    X(pages,        ONE,     "pages and mappings of an inode") \
    X(uts,          ONE,     "host and domain name") \
    X(core_pattern, ONE,     "/proc/sys/kernel/core_pattern") \
    X(boot_id,      ONE,     "/proc/sys/kernel/random/boot_id") \
    X(ipc_ids,      ONE,     "System V identifiers of a kind; of segments: what is attached") \
    X(sem_undo,     ONE,     "what processes take back of semaphores when they end") \
    X(unix,         ONE,     "sockets: how they hang together, what is in their queues, ports") \
    X(lease,        ONE,     "leases on files") \
    X(event,        ONE,     "an eventfd, timerfd, inotify: its state") \
    X(watchers,     ONE,     "which epolls watch a file") \
    X(waitq,        ONE,     "waiters on a wait queue or mutex") \
    X(epoll_ready,  ONE,     "what an epoll may have ready, and who waits for it") \
    X(timers,       ONE,     "the timers of a CPU") \
    X(task,         ONE,     "task.lock: wake token, why it sleeps, what clone flags share") \
    X(runq,         ONE,     "the run queue of a CPU") \
    X(load,         ONE,     "load averages") \
    X(records,      ONE,     "the free task records") \
    X(pipe_users,   ONE,     "how many pages the pipes of each user have") \
    X(vmap,         ONE,     "address ranges of the kernel") \
    X(heap,         ONE,     "what the CPUs' caches of objects are filled from") \
    X(direct,       ONE,     "the end of the direct map") \
    X(frame_cache,  ONE,     "free frames that a CPU keeps") \
    X(frame,        ONE,     "free frames") \
    X(random,       ONE,     "the random number generator") \
    X(clock_rate,   ONE,     "who changes the rate of the clock") \
    X(klog,         ONE,     "the kernel's log") \
    X(console,      ONE,     "the serial line")
/* clang-format on */

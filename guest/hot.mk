# hot.mk - what is built for speed, -O2: what boot, fork, exec, exit, faults, signals, and the calls
# that programs make all the time run through.  A file that is not named is built for size; it is
# a quarter smaller then, and executes some 10 % more instructions.
# Included by the Makefile.

# Whole directories, but for what few programs use.
HOT_ALL    := $(wildcard guest/*.c guest/mm/*.c guest/sync/*.c guest/trace/*.c)
HOT_BUT    := $(patsubst %,guest/mm/%.c,kmap ldt mark populate refs)

HOT_arch   := clock cpu fpu irq preempt random tsc uaccess uart
HOT_entry  := switch trap
HOT_fs     := cpio cpio_stored cpio_tree dentry device fd file file_open fs_ctx image_tree inode mem_dev notify pages \
	pages_io path path_name pipe pipe_user poll tmpfs uio
HOT_lib    := bpf cmdline rbtree refcount string
HOT_proc   := clone elf exec exec_calls exec_cred exec_load exec_stack exit fork futex pid process rseq sigframe signal \
	signal_charge signal_deliver signal_queue task undo wait
HOT_procfs := node
HOT_pseudofs := pseudofs
HOT_sched  := block load record runq sched timer times watch
HOT_sys    := dispatch file mman open pipe poll process rw rw_copy signal stat target
HOT_tty    := console

GUEST_HOT  := $(filter-out $(HOT_BUT),$(HOT_ALL)) \
	$(foreach d,arch entry fs lib proc procfs pseudofs sched sys tty,$(patsubst %,guest/$d/%.c,$(HOT_$d)))

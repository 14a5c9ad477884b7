/* process_vm.h - other processes' memory, for system calls. */
#ifndef SYS_PROCESS_VM_H
#define SYS_PROCESS_VM_H

struct mm;

/* Memory of the task of that number, with a reference, if current may trace it.  0, -ESRCH or -EPERM. */
int process_memory(int pid, struct mm **mm);

#endif

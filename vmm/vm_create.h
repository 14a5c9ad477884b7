/* vm_create.h - the VM and its parts, made and unmade. */
#ifndef VMM_VM_CREATE_H
#define VMM_VM_CREATE_H

#include <stdbool.h>

struct options;
struct vm;

/* Open /dev/kvm and make the VM with its memory, trace, devices and vCPUs.
 * False after one line on stderr; vm_destroy() then frees what there is. */
bool vm_create(struct vm *vm, const struct options *opt);
void vm_close_kvm(struct vm *vm); /* no further VM can be made; this one goes on */
void vm_destroy(struct vm *vm);

#endif

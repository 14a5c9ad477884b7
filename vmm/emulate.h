/* emulate.h - instructions that KVM's emulator gives up on.
 *
 * Where ring 0 is interpreted (pvm), XSAVE, XSAVEOPT, XRSTOR, XGETBV and
 * XSETBV in ring 0 end in KVM_EXIT_INTERNAL_ERROR.  emulate_instruction()
 * carries out these five as the SDM describes them and steps over them. */
#ifndef VMM_EMULATE_H
#define VMM_EMULATE_H

#include <stdbool.h>

struct emulate_state;
struct vcpu;
struct vm;

/* On hosts that interpret ring 0: let failures come to user space as they are. */
void emulate_enable(struct vm *vm);

/* The vCPU has left with an emulation failure.  True: done, go on.  False: not
 * one of the five, or memory that is not there; nothing has changed. */
bool emulate_instruction(struct vcpu *v);
void emulate_free(struct emulate_state *e);

#endif

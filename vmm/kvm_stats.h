/* kvm_stats.h - what KVM counts itself, for vmm --stats and --boot-report.  Any thread, any time. */
#ifndef VMM_KVM_STATS_H
#define VMM_KVM_STATS_H

#include <stdint.h>

/* A descriptor from which the counters of a vCPU can be read, or -1: this KVM has none. */
int kvm_stats_open(int vcpu_fd);
/* The counter of that name, as it is now; 0 if there is none. */
uint64_t kvm_stats_read(int fd, const char *name);

#endif

/* internal.h - what each file brings to the tables of /sys (pseudofs/pseudofs.h has their form). */
#ifndef SYSFS_INTERNAL_H
#define SYSFS_INTERNAL_H

#include "pseudofs/pseudofs.h"

#define UNUSED const struct pfs_node *n __attribute__((unused))

/* cpu.c */
extern const struct pfs_entry sys_cpu_table[]; /* devices/system/cpu */
extern const struct pfs_numbered sys_cpu_members;
/* Links "cpu<N>" to a CPU's directory, from so far below /sys as the name says. */
extern const struct pfs_numbered sys_node_cpus, sys_bus_cpus;
int show_cpus_online(struct text *t, const struct pfs_node *n);
int show_cpus_map(struct text *t, const struct pfs_node *n);
/* memory.c */
extern const struct pfs_entry sys_node_table[];   /* devices/system/node */
extern const struct pfs_entry sys_memory_table[]; /* devices/system/memory */
extern const struct pfs_numbered sys_memory_members, sys_bus_memory;
/* device.c: by major number, or all */
extern const struct pfs_entry sys_class_table[], sys_virtual_table[], sys_serial_table[],
    sys_dev_table[];
/* block.c: directories "loop0" and so on, or (value 1, 2) links from so far below /sys */
extern const struct pfs_numbered sys_disks, sys_disks_by_number;
/* net.c */
extern const struct pfs_entry sys_net_lo_table[]; /* devices/virtual/net/lo */
/* kernel.c */
extern const struct pfs_entry sys_kernel_table[];

#endif

/* stat.h - Linux's <linux/stat.h> leaves S_IFMT and the rest to the C library
 * where there is one; kernel sources have none, also when they are compiled for
 * the host. */
#ifndef _SYS_STAT_H
#pragma push_macro("__GLIBC__")
#undef __GLIBC__
#include_next <linux/stat.h>
#pragma pop_macro("__GLIBC__")
#else
#include_next <linux/stat.h>
#endif

/* confine.h - vmm-trace gives up what it does not need to read a trace. */
#ifndef VMM_TRACE_CONFINE_H
#define VMM_TRACE_CONFINE_H

/* When the files are mapped: from here on the process can compute and write to what is
 * open.  Ends it, after a line, if the kernel does not do that. */
void confine(void);

#endif

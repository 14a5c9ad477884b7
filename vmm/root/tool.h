/* tool.h - the program vmm-root. */
#ifndef VMM_ROOT_TOOL_H
#define VMM_ROOT_TOOL_H

#include <stdbool.h>
#include <stddef.h>

/* It stands beside vmm; installed, where the kernel does. */
bool root_tool_path(char *path, size_t room);

#endif

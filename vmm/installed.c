/* installed.c - see installed.h. */
#include "vmm/installed.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNELS "/../lib/forkscope/"

const char *installed_kernel(const char *name)
{
    static char path[PATH_MAX];
    if (strchr(name, '/') != NULL || access(name, F_OK) == 0)
        return name;
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
    if (n <= 0 || n >= (ssize_t)sizeof(path))
        return name;
    path[n] = '\0';
    char *end = strrchr(path, '/');
    size_t room = (size_t)(path + sizeof(path) - end);
    if ((size_t)snprintf(end, room, KERNELS "%s", name) >= room || access(path, F_OK) != 0)
        return name;
    return path;
}

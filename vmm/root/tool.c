/* tool.c - see tool.h. */
#include "vmm/root/tool.h"

#include <string.h>
#include <unistd.h>

bool root_tool_path(char *path, size_t room)
{
    static const char *const places[] = { "vmm-root", "../lib/forkscope/vmm-root" };
    ssize_t n = readlink("/proc/self/exe", path, room - 32);
    if (n <= 0)
        return false;
    path[n] = '\0';
    char *name = strrchr(path, '/') + 1;
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        strcpy(name, places[i]);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

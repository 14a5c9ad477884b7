/* sysfs.c - /sys: its upper directories, and its rules.
 * What Linux has there and this kernel has not is left out: a file says what is so or is not there. */
#include "sysfs/sysfs.h"
#include "fs/fs_type.h"
#include "sysfs/internal.h"
#include <linux/magic.h>

/* clang-format off */
#define BUS(name, ...) PFS_DIR(name, 0755, .children = (const struct pfs_entry[]){ __VA_ARGS__, PFS_END })

static const struct pfs_entry bus_table[] = {
    BUS("cpu", PFS_DIR("devices", 0755, .numbered = &sys_bus_cpus)),
    BUS("memory", PFS_DIR("devices", 0755, .numbered = &sys_bus_memory)),
    BUS("node", BUS("devices", PFS_SYMLINK("node0", "../../../devices/system/node/node0"))),
    PFS_END,
};

static const struct pfs_entry clocksource0_table[] = {
    PFS_TEXT("available_clocksource", 0444, "tsc \n"),
    PFS_TEXT("current_clocksource", 0444, "tsc\n"),
    PFS_END,
};
static const struct pfs_entry clocksource_table[] = {
    PFS_DIR("clocksource0", 0755, .children = clocksource0_table),
    PFS_END,
};
static const struct pfs_entry system_table[] = {
    PFS_DIR("clocksource", 0755, .children = clocksource_table),
    PFS_DIR("cpu", 0755, .children = sys_cpu_table, .numbered = &sys_cpu_members),
    PFS_DIR("memory", 0755, .children = sys_memory_table, .numbered = &sys_memory_members),
    PFS_DIR("node", 0755, .children = sys_node_table),
    PFS_END,
};
static const struct pfs_entry platform_table[] = {
    PFS_DIR("serial8250", 0755, .children = sys_serial_table),
    PFS_END,
};
static const struct pfs_entry devices_table[] = {
    PFS_DIR("platform", 0755, .children = platform_table),
    PFS_DIR("system", 0755, .children = system_table),
    PFS_DIR("virtual", 0755, .children = sys_virtual_table),
    PFS_END,
};

static const struct pfs_entry top_table[] = {
    PFS_DIR("block", 0755, .numbered = &sys_disks, .value = 1),
    PFS_DIR("bus", 0755, .children = bus_table),
    PFS_DIR("class", 0755, .children = sys_class_table),
    PFS_DIR("dev", 0755, .children = sys_dev_table),
    PFS_DIR("devices", 0755, .children = devices_table),
    PFS_DIR("firmware", 0755),
    PFS_DIR("fs", 0755),
    PFS_DIR("kernel", 0755, .children = sys_kernel_table),
    PFS_DIR("module", 0755),
    PFS_END,
};
static const struct pfs_entry top = PFS_DIR("", 0555, .children = top_table);
/* clang-format on */

/* What has no reader or no writer is opened for that by nobody, root included. */
static int sysfs_may(const struct pfs_node *n, uint32_t flags, bool opening)
{
    uint32_t how = flags & O_ACCMODE;

    if (!opening)
        return 0;
    if ((how != O_RDONLY && !(n->entry->mode & 0222)) ||
        (how != O_WRONLY && !(n->entry->mode & 0444)))
        return -EACCES;
    return 0;
}

static int get_sysfs(char *data __attribute__((unused)), struct superblock **out)
{
    static struct pseudofs sysfs = {
        .type = "sysfs",
        .magic = SYSFS_MAGIC,
        .top = &top,
        .may = sysfs_may,
        .file_bytes = PAGE_SIZE,
        .names_closed = true,
        .counts_links = true,
    };

    return pseudofs_get(&sysfs, out);
}

void sysfs_register(void)
{
    static struct fs_type type = { .name = "sysfs", .get = get_sysfs };

    fs_type_register(&type);
}

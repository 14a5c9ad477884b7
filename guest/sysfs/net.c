/* net.c - /sys/devices/virtual/net/lo: the one interface, as far as it has what a file tells. */
#include "net/socket.h"
#include "sysfs/internal.h"

#define _SYS_SOCKET_H /* Linux's header would have the C library's sockets: net/abi.h has them */
#include <linux/if.h>

/* A cable's, which it has none of. */
static int show_invalid(struct text *t __attribute__((unused)), UNUSED) { return -EINVAL; }

static int show_flags(struct text *t, UNUSED)
{
    text_printf(t, "0x%x\n", IFF_UP | IFF_LOOPBACK);
    return 0;
}

static int show_event(struct text *t, UNUSED)
{
    text_printf(t, "INTERFACE=%s\nIFINDEX=%u\n", LO_NAME, LO_INDEX);
    return 0;
}

/* What goes out comes in. */
static int show_packets(struct text *t, UNUSED)
{
    text_printf(t, "%lu\n", interface_traffic().packets);
    return 0;
}

static int show_bytes(struct text *t, UNUSED)
{
    text_printf(t, "%lu\n", interface_traffic().bytes);
    return 0;
}

/* clang-format off */
static const struct pfs_entry statistics_table[] = {
    PFS_NUMBER("collisions", 0444, 0),
    PFS_NUMBER("multicast", 0444, 0),
    PFS_FILE("rx_bytes", 0444, show_bytes),
    PFS_NUMBER("rx_dropped", 0444, 0),
    PFS_NUMBER("rx_errors", 0444, 0),
    PFS_FILE("rx_packets", 0444, show_packets),
    PFS_FILE("tx_bytes", 0444, show_bytes),
    PFS_NUMBER("tx_dropped", 0444, 0),
    PFS_NUMBER("tx_errors", 0444, 0),
    PFS_FILE("tx_packets", 0444, show_packets),
    PFS_END,
};

#define NO_ADDRESS "00:00:00:00:00:00\n"

const struct pfs_entry sys_net_lo_table[] = {
    PFS_NUMBER("addr_assign_type", 0444, 0),
    PFS_NUMBER("addr_len", 0444, 6),
    PFS_TEXT("address", 0444, NO_ADDRESS),
    PFS_TEXT("broadcast", 0444, NO_ADDRESS),
    PFS_NUMBER("carrier", 0444, 1),
    PFS_NUMBER("carrier_changes", 0444, 0),
    PFS_TEXT("dev_id", 0444, "0x0\n"),
    PFS_NUMBER("dev_port", 0444, 0),
    PFS_NUMBER("dormant", 0444, 0),
    PFS_FILE("duplex", 0444, show_invalid),
    PFS_FILE("flags", 0444, show_flags),
    PFS_TEXT("ifalias", 0444, ""),
    PFS_NUMBER("ifindex", 0444, LO_INDEX),
    PFS_NUMBER("iflink", 0444, LO_INDEX),
    PFS_NUMBER("link_mode", 0444, 0),
    PFS_NUMBER("mtu", 0444, LO_MTU),
    PFS_TEXT("operstate", 0444, "unknown\n"),
    PFS_FILE("speed", 0444, show_invalid),
    PFS_DIR("statistics", 0755, .children = statistics_table),
    PFS_SYMLINK("subsystem", "../../../../class/net"),
    PFS_NUMBER("tx_queue_len", 0444, LO_QUEUE_LEN),
    PFS_NUMBER("type", 0444, ARPHRD_LOOPBACK),
    PFS_FILE("uevent", 0444, show_event),
    PFS_END,
};
/* clang-format on */

/* acpi.c - finds the MADT and reads the processors out of it.
 * Source: the ACPI specification 6.4, sections 5.2.5 to 5.2.12.
 *
 * The loader tells where the RSDP is, or it is searched for where a BIOS puts it.
 * From there XSDT or RSDT lead to the table.  Lengths are checked before anything
 * is read by them, and sums before anything is believed: what is wrong here is as
 * good as absent, and the machine runs on one CPU.  Tables may lie in any RAM that
 * the BIOS kept; what the direct map does not cover is mapped for good.
 *
 * Left out: all other tables.  Only local APIC and local x2APIC entries are read. */
#include "entry/acpi.h"
#include "arch/layout.h"
#include "arch/pvh.h"
#include "lib/string.h"
#include "mm/kmap.h"

#define BIOS_START    0xe0000ull
#define BIOS_END      0x100000ull
#define RSDP_V1_BYTES 20u
#define TABLE_MAX     65536u /* longer ones are not believed */

#define MADT_LAPIC   0
#define MADT_X2APIC  9
#define MADT_ENABLED 1u

struct rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt, length;
    uint64_t xsdt;
} __attribute__((packed));

struct header {
    char signature[4];
    uint32_t length;
    char rest[28];
} __attribute__((packed));

struct madt_entry { /* of both types, as far as read */
    uint8_t type, length;
    union {
        struct {
            uint8_t acpi_id, apic_id;
            uint32_t flags;
        } __attribute__((packed)) lapic;
        struct {
            uint16_t reserved;
            uint32_t apic_id, flags;
        } __attribute__((packed)) x2apic;
    };
} __attribute__((packed));

static bool sum_is_zero(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint8_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + p[i]);
    return sum == 0;
}

static const void *reach(paddr_t at, size_t n)
{
    return kmap_direct_covers(at + n) ? phys_to_virt(at) : map_window(at, n);
}

static const struct rsdp *rsdp_at(paddr_t at)
{
    const struct rsdp *r = reach(at, sizeof(*r));
    bool good = memcmp(r->signature, "RSD PTR ", 8) == 0 && sum_is_zero(r, RSDP_V1_BYTES);
    return good ? r : NULL;
}

static const struct rsdp *find_rsdp(void)
{
    const struct rsdp *r;
    if (boot_info.rsdp != 0)
        return rsdp_at(boot_info.rsdp);
    for (paddr_t at = BIOS_START; at < BIOS_END; at += 16)
        if (*(const uint32_t *)phys_to_virt(at) == 0x20445352 /* "RSD " */ &&
            (r = rsdp_at(at)) != NULL)
            return r;
    return NULL;
}

/* The table, all of it mapped and its sum right; NULL if it is not that one. */
static const struct header *table_at(paddr_t at, const char *signature)
{
    const struct header *h = at != 0 ? reach(at, sizeof(*h)) : NULL;
    if (h == NULL || memcmp(h->signature, signature, 4) != 0 || h->length < sizeof(*h) ||
        h->length > TABLE_MAX)
        return NULL;
    uint32_t length = h->length;
    h = reach(at, length);
    return sum_is_zero(h, length) ? h : NULL;
}

static const struct header *find_madt(void)
{
    const struct rsdp *r = find_rsdp();
    if (r == NULL)
        return NULL;
    bool wide = r->revision >= 2 && r->xsdt != 0;
    const struct header *list = wide ? table_at(r->xsdt, "XSDT") : table_at(r->rsdt, "RSDT");
    if (list == NULL)
        return NULL;
    const char *p = (const char *)(list + 1), *end = (const char *)list + list->length;
    for (size_t step = wide ? 8 : 4; p + step <= end; p += step) {
        uint64_t at = 0;
        memcpy(&at, p, step);
        const struct header *h = table_at(at, "APIC");
        if (h != NULL)
            return h;
    }
    return NULL;
}

/* Of an enabled processor, else UINT32_MAX. */
static uint32_t apic_id_of(const struct madt_entry *e)
{
    if (e->type == MADT_LAPIC && e->length >= 8 && (e->lapic.flags & MADT_ENABLED))
        return e->lapic.apic_id;
    if (e->type == MADT_X2APIC && e->length >= 16 && (e->x2apic.flags & MADT_ENABLED))
        return e->x2apic.apic_id;
    return UINT32_MAX;
}

unsigned acpi_processors(uint8_t *apic_id, unsigned most)
{
    const struct header *madt = find_madt();
    unsigned n = 0;
    if (madt == NULL)
        return 0;
    const uint8_t *p = (const uint8_t *)(madt + 1) + 8; /* address, flags */
    const uint8_t *end = (const uint8_t *)madt + madt->length;
    while (p + 2 <= end && p[1] >= 2 && p + p[1] <= end && n < most) {
        uint32_t id = apic_id_of((const struct madt_entry *)p);
        if (id < 255)
            apic_id[n++] = (uint8_t)id;
        p += p[1];
    }
    return n;
}

/* acpi.c - see acpi.h.  Source: the ACPI specification 6.4, chapter 5.
 *
 * The machine is "hardware-reduced": no power management timer, no SCI.  What
 * it has besides CPUs and I/O APIC is one serial port, which the DSDT names
 * with its port and interrupt, and the reset register (the 8042's). */
#include "vmm/acpi.h"

#include <assert.h>
#include <string.h>

#define LAPIC_ADDRESS  0xfee00000u
#define IOAPIC_ADDRESS 0xfec00000u

struct rsdp {
    char signature[8];
    uint8_t checksum; /* of the first 20 bytes */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum; /* of all */
    uint8_t reserved[3];
} __attribute__((packed));

struct table_header {
    char signature[4];
    uint32_t length;
    uint8_t revision, checksum;
    char oem[6], oem_table[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
} __attribute__((packed));
_Static_assert(sizeof(struct table_header) == 36, "as in the specification");

struct xsdt {
    struct table_header h;
    uint64_t entry[2];
} __attribute__((packed));

struct generic_address {
    uint8_t space, width, offset, access;
    uint64_t address;
} __attribute__((packed));

struct fadt {
    struct table_header h;
    uint32_t firmware_ctrl, dsdt;
    uint8_t unused_1[62]; /* int_model to year alarm: none here */
    uint8_t day_alarm, month_alarm, century;
    uint16_t boot_arch;
    uint8_t reserved;
    uint32_t flags;
    struct generic_address reset;
    uint8_t reset_value;
    uint16_t arm_boot_arch;
    uint8_t minor_revision;
    uint64_t x_firmware_ctrl, x_dsdt;
    uint8_t unused_2[8 * 12 + 2 * 12 + 8]; /* event blocks, sleep registers, vendor */
} __attribute__((packed));
_Static_assert(offsetof(struct fadt, century) == 108, "as in the specification");
_Static_assert(offsetof(struct fadt, flags) == 112, "as in the specification");
_Static_assert(sizeof(struct fadt) == 276, "as in the specification, revision 6");

#define FADT_RESET_SUPPORTED  (1u << 10)
#define FADT_HARDWARE_REDUCED (1u << 20)
#define BOOT_ARCH_LEGACY      (1u << 0)
#define BOOT_ARCH_8042        (1u << 1)
#define BOOT_ARCH_NO_VGA      (1u << 2)
#define SPACE_IO              1

struct madt {
    struct table_header h;
    uint32_t lapic_address, flags;
} __attribute__((packed));

struct madt_lapic {
    uint8_t type, length, acpi_id, apic_id;
    uint32_t flags;
} __attribute__((packed));

struct madt_ioapic {
    uint8_t type, length, id, reserved;
    uint32_t address, gsi_base;
} __attribute__((packed));

struct madt_lapic_nmi {
    uint8_t type, length, acpi_id;
    uint16_t flags;
    uint8_t lint;
} __attribute__((packed));

/* Scope (\_SB) { Device (COM1) { _HID PNP0501, _UID 0,
 *   _CRS { IO (Decode16, 0x3f8, 0x3f8, 1, 8)  IRQNoFlags () {4} } } } */
static const uint8_t dsdt_code[] = {
    0x10, 0x33, 0x5c, '_',  'S',  'B',  '_',  0x5b, 0x82, 0x2b, 'C',  'O',  'M',
    '1',  0x08, '_',  'H',  'I',  'D',  0x0c, 0x41, 0xd0, 0x05, 0x01, 0x08, '_',
    'U',  'I',  'D',  0x00, 0x08, '_',  'C',  'R',  'S',  0x11, 0x10, 0x0a, 0x0d,
    0x47, 0x01, 0xf8, 0x03, 0xf8, 0x03, 0x01, 0x08, 0x22, 0x10, 0x00, 0x79, 0x00,
};

static uint8_t sum_to_zero(const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    uint8_t sum = 0;
    while (len-- > 0)
        sum = (uint8_t)(sum + *p++);
    return (uint8_t)-sum;
}

/* Tables follow each other, 16 bytes aligned. */
struct writer {
    uint8_t *area;
    uint32_t at;
    size_t used, bytes;
};

static void *take(struct writer *w, size_t len)
{
    void *p = w->area + w->used;
    assert(len <= w->bytes - w->used);
    w->used += len;
    return p;
}

static void *begin(struct writer *w, const char *signature, uint8_t revision, size_t len)
{
    w->used = (w->used + 15) & ~(size_t)15;
    struct table_header *h = take(w, len);
    memset(h, 0, len);
    memcpy(h->signature, signature, 4);
    h->revision = revision;
    memcpy(h->oem, "FRKSCP", 6);
    memcpy(h->oem_table, "FORKSCOP", 8);
    h->oem_revision = 1;
    memcpy(h->creator, "FORK", 4);
    h->creator_revision = 1;
    return h;
}

/* Returns the guest's address of the finished table. */
static uint32_t end(struct writer *w, struct table_header *h)
{
    size_t start = (size_t)((uint8_t *)h - w->area);
    h->length = (uint32_t)(w->used - start);
    h->checksum = sum_to_zero(h, h->length);
    return w->at + (uint32_t)start;
}

static uint32_t write_dsdt(struct writer *w)
{
    struct table_header *h = begin(w, "DSDT", 2, sizeof(*h));
    memcpy(take(w, sizeof(dsdt_code)), dsdt_code, sizeof(dsdt_code));
    return end(w, h);
}

static uint32_t write_fadt(struct writer *w, uint32_t dsdt)
{
    struct fadt *f = begin(w, "FACP", 6, sizeof(*f));
    f->dsdt = dsdt;
    f->x_dsdt = dsdt;
    f->century = 0x32;
    f->boot_arch = BOOT_ARCH_LEGACY | BOOT_ARCH_8042 | BOOT_ARCH_NO_VGA;
    f->flags = FADT_RESET_SUPPORTED | FADT_HARDWARE_REDUCED;
    f->reset =
        (struct generic_address){ .space = SPACE_IO, .width = 8, .access = 1, .address = 0x64 };
    f->reset_value = 0xfe;
    f->minor_revision = 4;
    return end(w, &f->h);
}

static uint32_t write_madt(struct writer *w, unsigned ncpus)
{
    struct madt *m = begin(w, "APIC", 5, sizeof(*m));
    m->lapic_address = LAPIC_ADDRESS;
    m->flags = 1; /* a dual 8259 is there, too */
    for (unsigned i = 0; i < ncpus; i++)
        *(struct madt_lapic *)take(w, sizeof(struct madt_lapic)) = (struct madt_lapic){
            .type = 0,
            .length = sizeof(struct madt_lapic),
            .acpi_id = (uint8_t)i,
            .apic_id = (uint8_t)i,
            .flags = 1,
        };
    *(struct madt_ioapic *)take(w, sizeof(struct madt_ioapic)) = (struct madt_ioapic){
        .type = 1,
        .length = sizeof(struct madt_ioapic),
        .address = IOAPIC_ADDRESS,
    };
    *(struct madt_lapic_nmi *)take(w, sizeof(struct madt_lapic_nmi)) = (struct madt_lapic_nmi){
        .type = 4,
        .length = sizeof(struct madt_lapic_nmi),
        .acpi_id = 0xff,
        .lint = 1,
    };
    return end(w, &m->h);
}

void acpi_write(void *area, uint32_t at, size_t bytes, unsigned ncpus)
{
    struct writer w = { .area = area, .at = at, .bytes = bytes };
    struct rsdp *r = take(&w, sizeof(*r));
    uint32_t fadt = write_fadt(&w, write_dsdt(&w));
    uint32_t madt = write_madt(&w, ncpus);

    struct xsdt *x = begin(&w, "XSDT", 1, sizeof(*x));
    x->entry[0] = fadt;
    x->entry[1] = madt;
    uint32_t xsdt = end(&w, &x->h);

    *r = (struct rsdp){ .signature = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' },
                        .revision = 2,
                        .oem = { 'F', 'R', 'K', 'S', 'C', 'P' },
                        .length = sizeof(*r),
                        .xsdt = xsdt };
    r->checksum = sum_to_zero(r, 20);
    r->extended_checksum = sum_to_zero(r, sizeof(*r));
}

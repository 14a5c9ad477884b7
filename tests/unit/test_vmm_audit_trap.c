/* links: vmm/gmem.c vmm/say.c vmm/trace/lib/[a-z]*.c */
/* The audit that traps stores: RAM's memslots in parts, of which exactly those with tables are read-only; each
 * store is that of an event of its own vCPU, or is named; and translations are forgotten when, and only when, there
 * is something to forget.  KVM is this file's. */
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <cmocka.h>

static int fake_ioctl(int fd, unsigned long request, struct kvm_userspace_memory_region *r);
#define ioctl fake_ioctl
#include "vmm/audit_slots.c"
#undef ioctl
#include "vmm/audit_trap.c"

#define RAM_BYTES (8ull << 20)
#define REGION    0x200u /* frames of tables: */
#define REGION_N  0x10u
#define BOOT      0x120u /* one of the image's */
#define LEAF      REGION
#define UPPER     (REGION + 1)
#define ON        (PTE_P | PTE_W | 0x5000)

static struct kvm_userspace_memory_region region[64]; /* by slot */
static unsigned moves, refuse;

static int fake_ioctl(int fd, unsigned long request, struct kvm_userspace_memory_region *r)
{
    (void)fd;
    assert_int_equal(request, KVM_SET_USER_MEMORY_REGION);
    assert_in_range(r->slot, 0, 63);
    if (refuse != 0 && --refuse == 0) {
        errno = EINVAL;
        return -1;
    }
    for (unsigned i = 0; i < 64; i++) /* they must not overlap */
        if (i != r->slot && region[i].memory_size != 0 && r->memory_size != 0)
            assert_true(r->guest_phys_addr + r->memory_size <= region[i].guest_phys_addr ||
                        region[i].guest_phys_addr + region[i].memory_size <= r->guest_phys_addr);
    struct kvm_userspace_memory_region *old = &region[r->slot];
    if (old->memory_size != 0 && r->memory_size != 0) {
        assert_int_not_equal(old->guest_phys_addr, r->guest_phys_addr);
        assert_int_equal(old->userspace_addr, r->userspace_addr);
        assert_true(r->guest_phys_addr >= 4ull << 30); /* not RAM's */
        moves++;
    }
    *old = *r;
    return 0;
}

/* --- what the report asks ----------------------------------------------------------------- */

struct symbols *symbols_open(int fd)
{
    (void)fd;
    return NULL;
}
void symbols_shift(struct symbols *s, uint64_t by) { (void)s, (void)by; }
void symbols_close(struct symbols *s) { (void)s; }
uint64_t symbols_print(struct symbols *s, uint64_t address, FILE *out)
{
    (void)s;
    fprintf(out, " storer %#" PRIx64, address);
    return 1;
}
const uint8_t *symbols_code(struct symbols *s, uint64_t address, uint64_t *start, size_t *n)
{
    static const uint8_t code[16];
    (void)s;
    *start = address - 16;
    *n = 16;
    return code;
}
size_t disasm_last(const uint8_t *bytes, size_t n, uint64_t address, char *text, size_t room)
{
    (void)bytes, (void)address;
    snprintf(text, room, "the instruction");
    return n - 3;
}

/* --- a machine ------------------------------------------------------------------------------ */

static struct vm vm;
static struct trap *trap;
static struct replay *mirror;
static struct trace_meta meta = { .tsc_khz = 1000000 };
static struct audit_report told = { .meta = &meta };

static void event(struct trace_event e)
{
    told.event++;
    assert_int_equal(replay_event(mirror, &e), 0);
    trap_event(trap, &e);
}

static void made(uint32_t pfn, unsigned level)
{
    struct trace_ev_table_alloc f = { 0, pfn, (uint8_t)level, PT_demand_zero };
    event((struct trace_event){ .id = TRACE_EV_table_alloc, .mm = 7, .fields = &f });
}

static void tell(unsigned cpu, uint32_t pfn, unsigned index, uint64_t old, uint64_t new)
{
    struct trace_ev_pte_write f = { 0,   pfn, (uint16_t)index, pfn == UPPER ? 2 : 1, PT_demand_zero,
                                    old, new };
    event((struct trace_event){ .id = TRACE_EV_pte_write, .cpu = cpu, .mm = 7, .fields = &f });
}

static void store_bytes(unsigned cpu, uint64_t gpa, uint64_t value, uint32_t len)
{
    struct kvm_run *run = vm.vcpu[cpu].run;
    run->mmio.phys_addr = gpa;
    run->mmio.len = len;
    memcpy(run->mmio.data, &value, sizeof(value));
    run->s.regs.regs.rip = 0x1010;
    assert_true(trap_is_about(trap, gpa));
    assert_int_equal(trap_store(trap, &vm.vcpu[cpu]), 0);
    assert_memory_equal(gmem_span(vm.mem, gpa, len), &value, len);
}

static void store(unsigned cpu, uint32_t pfn, unsigned index, uint64_t value)
{
    store_bytes(cpu, (uint64_t)pfn * GMEM_PAGE + index * 8, value, 8);
}

static int begin(void **state)
{
    (void)state;
    memset(region, 0, sizeof(region));
    refuse = 0;
    told.event = 0;
    vm = (struct vm){ .ncpus = 2, .fd = -1, .trace_base = 4ull << 30, .image.fd = -1 };
    vm.vcpu = calloc(2, sizeof(*vm.vcpu));
    for (unsigned c = 0; c < 2; c++) {
        vm.vcpu[c].index = c;
        vm.vcpu[c].run = calloc(1, sizeof(struct kvm_run));
    }
    assert_int_equal(gmem_create(&vm.mem, RAM_BYTES), 0);
    region[0] = (struct kvm_userspace_memory_region){
        .memory_size = RAM_BYTES, .userspace_addr = (uintptr_t)gmem_span(vm.mem, 0, RAM_BYTES)
    };
    mirror = replay_new(NULL, NULL);
    trap = trap_new(&vm, mirror, &told);
    assert_non_null(trap);
    made(BOOT, 4);
    assert_false(trap_is_about(trap, BOOT * GMEM_PAGE)); /* not yet */
    assert_int_equal(trap_tables(trap, REGION, REGION + REGION_N), 0);
    made(LEAF, 1);
    made(UPPER, 2);
    moves = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    trap_free(trap);
    replay_free(mirror);
    gmem_destroy(vm.mem);
    for (unsigned c = 0; c < 2; c++)
        free(vm.vcpu[c].run);
    free(vm.vcpu);
    return 0;
}

/* What was found, as text; how much. */
static char *text;
static uint64_t finish(void)
{
    size_t n;
    free(text);
    FILE *out = open_memstream(&text, &n);
    trap_stop(trap);
    uint64_t violations = trap_finish(trap, out);
    fclose(out);
    return violations;
}

static void finds(uint64_t n, const char *what)
{
    assert_int_equal(finish(), n);
    if (what != NULL && strstr(text, what) == NULL)
        fail_msg("'%s' is not in: %s", what, text);
}

/* --- the tests --------------------------------------------------------------------------------- */

static void test_memory_is_in_parts(void **state)
{
    (void)state;
    for (uint64_t pfn = 0; pfn < RAM_BYTES / GMEM_PAGE; pfn++) {
        bool table = pfn == BOOT || (pfn >= REGION && pfn < REGION + REGION_N);
        unsigned in = 0;
        for (unsigned i = 0; i < 64; i++) {
            const struct kvm_userspace_memory_region *r = &region[i];
            uint64_t gpa = pfn * GMEM_PAGE;
            if (gpa - r->guest_phys_addr >= r->memory_size)
                continue;
            in++;
            assert_int_equal(r->flags, table ? KVM_MEM_READONLY : 0);
            assert_ptr_equal((uint8_t *)(uintptr_t)r->userspace_addr + (gpa - r->guest_phys_addr),
                             gmem_span(vm.mem, gpa, 1));
        }
        assert_int_equal(in, 1);
        assert_int_equal(trap_is_about(trap, pfn * GMEM_PAGE + 8), table);
    }
    assert_int_equal(trap_first_table(trap, 0, RAM_BYTES), BOOT);
    assert_int_equal(trap_first_table(trap, (REGION + 3) * GMEM_PAGE - 1, 1), REGION + 2);
    assert_int_equal(trap_first_table(trap, (REGION + REGION_N) * GMEM_PAGE, GMEM_PAGE), 0);
    assert_int_equal(trap_first_table(trap, BOOT * GMEM_PAGE, 0), 0);
}

static void test_pieces_become_one(void **state)
{
    struct slots *s = trap->slots;
    (void)state;
    s->n = 0;
    for (unsigned i = 0; i < PIECES_MAX; i++)
        assert_true(slots_add(s, 1000 + 10 * i, 1002 + 10 * i));
    assert_false(slots_add(s, 1, 2));
    assert_true(slots_add(s, 1002, 1010)); /* between two, and touching both */
    assert_int_equal(s->n, PIECES_MAX - 1);
    assert_true(slots_add(s, 7, 7)); /* nothing */
    assert_true(slots_add(s, 0, 5000));
    assert_int_equal(s->n, 1);
    assert_int_equal(s->piece[0].end, 5000);
}

static void test_tables_that_cannot_be(void **state)
{
    (void)state;
    assert_int_equal(trap_tables(trap, 5, 5), -EINVAL);
    assert_int_equal(trap_tables(trap, 5, RAM_BYTES / GMEM_PAGE + 1), -EINVAL);
    assert_int_equal(trap_tables(trap, 5, UINT64_MAX), -EINVAL);
}

static void test_kvm_refuses(void **state)
{
    (void)state;
    for (unsigned i = 1; i < 8; i++) {
        end(NULL);
        begin(NULL);
        trap->slots->installed = false;
        trap->slots->next = SLOT_PARTS;
        memset(region, 0, sizeof(region));
        refuse = i;
        int err = trap_tables(trap, REGION, REGION + REGION_N);
        assert_int_equal(err, refuse == 0 ? -EINVAL : 0);
        assert_int_equal(trap_is_about(trap, REGION * GMEM_PAGE), err == 0);
    }
}

static void test_told_and_stored(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    tell(0, LEAF, 4, 0, ON + 0x1000); /* both told, then both stored */
    store(0, LEAF, 3, ON);
    store(0, LEAF, 4, ON + 0x1000);
    tell(0, LEAF, 3, ON, ON); /* changes nothing: stored or not */
    tell(1, LEAF, 5, 0, 0);
    store(1, LEAF, 5, 0);
    finds(0, "audit: trap: 3 stores trapped, ");
}

static void test_without_event(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    store(1, LEAF, 3, ON); /* the other vCPU has told nothing */
    store(0, LEAF, 3, ON);
    store(0, LEAF, 3, ON); /* once more than was told */
    finds(2, "audit: a store without its event: mm 7 table 0x200 (PTE) index 3 va 0x3000 held 0, "
             "got P|W pfn=0x5\n"
             "audit:   by storer 0x100d: the instruction\n"
             "audit:   on vCPU 1, after event 4, ");
}

static void test_wrong_and_right(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    store(0, LEAF, 3, ON & ~PTE_W);
    store(0, LEAF, 3, ON);
    finds(1, "audit: a store that differs from its event: mm 7 table 0x200 (PTE) index 3 va 0x3000 "
             "expected P|W pfn=0x5, held 0, got P pfn=0x5\n");
}

static void test_not_stored(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    tell(1, UPPER, 1, 0, 0); /* another's event says nothing about it */
    assert_int_equal(trap->violations, 0);
    tell(0, UPPER, 2, 0, 0);
    assert_int_equal(trap->violations, 1);
    tell(0, LEAF, 4, 0, ON);
    tell(0, LEAF, 4, ON, 0); /* the same entry again, and the first was not stored */
    assert_int_equal(trap->violations, 2);
    finds(3, "audit: an event without its store: mm 7 table 0x200 (PTE) index 3 va 0x3000 expected "
             "P|W pfn=0x5, held 0\n");
}

static void test_stopped_amid(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    vm.vcpu[0].is_amid = true;
    finds(0, NULL);
}

static void test_what_is_no_entry(void **state)
{
    (void)state;
    store_bytes(0, LEAF * GMEM_PAGE + 4, 0x1122, 4);
    finds(1, "audit: a store to a part of an entry, or to two: ");
    store_bytes(0, LEAF * GMEM_PAGE + 20, 0x1122334455667788, 8);
    store(0, REGION + 9, 0, ON);
    finds(3, "audit: a store to a frame for tables that is none: mm 0 table 0x209 (no level) ");
    trap_written(trap, &vm.vcpu[1], LEAF);
    finds(4, "audit: a hypercall that writes to a table: mm 7 table 0x200 (PTE) ");
}

static void test_forgets(void **state)
{
    (void)state;
    tell(0, LEAF, 3, 0, ON);
    store(0, LEAF, 3, ON);
    assert_int_equal(trap_flush(trap), 0);
    assert_int_equal(moves, 0); /* it was not present: no shadow has it */
    tell(0, LEAF, 3, ON, 0);
    store(0, LEAF, 3, 0);
    assert_int_equal(moves, 0); /* as a TLB may do */
    trap_flush(trap);
    assert_int_equal(moves, 1);
    trap_flush(trap);
    assert_int_equal(moves, 1);
    tell(0, UPPER, 0, 0, LEAF * GMEM_PAGE | PTE_P);
    store(0, UPPER, 0, LEAF * GMEM_PAGE | PTE_P);
    assert_int_equal(moves, 1); /* nothing is old */
    tell(0, LEAF, 3, 0, ON);
    store(0, LEAF, 3, ON);
    tell(0, LEAF, 3, ON, 0);
    store(0, LEAF, 3, 0);
    tell(0, UPPER, 1, 0, LEAF * GMEM_PAGE | PTE_P);
    store(0, UPPER, 1, LEAF * GMEM_PAGE | PTE_P);
    assert_int_equal(moves, 2); /* the table would bring its shadow along */
    tell(0, UPPER, 1, LEAF * GMEM_PAGE | PTE_P, ON | PTE_PS);
    store(0, UPPER, 1, ON | PTE_PS);
    assert_int_equal(moves, 2); /* a huge page: no table */
    trap_written(trap, &vm.vcpu[0], LEAF);
    trap_flush(trap);
    assert_int_equal(moves, 3);
    refuse = 1;
    trap->stale = true;
    assert_int_equal(trap_flush(trap), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_memory_is_in_parts),
        TEST(test_pieces_become_one),
        TEST(test_tables_that_cannot_be),
        TEST(test_kvm_refuses),
        TEST(test_told_and_stored),
        TEST(test_without_event),
        TEST(test_wrong_and_right),
        TEST(test_not_stored),
        TEST(test_stopped_amid),
        TEST(test_what_is_no_entry),
        TEST(test_forgets),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}

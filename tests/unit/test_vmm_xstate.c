/* links: vmm/xstate.c */
/* XSAVE and XRSTOR on bytes: what is not asked for stays, what is not in use
 * becomes initial, what the SDM calls #GP is refused without a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vmm/xstate.h"

static const struct xstate_layout layout = {
    .components = 7,
    .offset = { [2] = 576 },
    .size = { [2] = 256 },
};
static uint8_t cpu[XSTATE_AREA_MAX], mem[XSTATE_AREA_MAX], before[XSTATE_AREA_MAX];

static void set64(uint8_t *p, uint64_t v) { memcpy(p, &v, sizeof(v)); }

static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

static int setup(void **state)
{
    (void)state;
    memset(cpu, 0, sizeof(cpu));
    for (unsigned i = 0; i < 256; i++)
        cpu[160 + i] = cpu[576 + i] = (uint8_t)(i + 1);
    set64(cpu + 24, 0xffff00001f80);
    set64(cpu + 512, 7);
    memset(mem, 0xee, sizeof(mem));
    set64(mem + 512, 0);
    memset(mem + 520, 0, 56);
    return 0;
}

static void save_writes_what_is_asked_for(void **state)
{
    (void)state;
    xstate_save(&layout, mem, cpu, 4, false);
    assert_memory_equal(mem + 576, cpu + 576, 256);
    assert_int_equal(mem[160], 0xee);
    assert_int_equal(mem[0], 0xee);
    assert_int_equal(get64(mem + 512), 4);
    xstate_save(&layout, mem, cpu, 3, false);
    assert_memory_equal(mem + 160, cpu + 160, 256);
    assert_int_equal(get64(mem + 512), 7);
    assert_int_equal(mem[416], 0xee);
}

static void unused_components(void **state)
{
    (void)state;
    set64(cpu + 512, 3);
    xstate_save(&layout, mem, cpu, 7, true);
    assert_int_equal(mem[576], 0xee);
    assert_int_equal(get64(mem + 512), 3);
    xstate_save(&layout, mem, cpu, 7, false);
    assert_int_equal(mem[576], 0);
    assert_int_equal(get64(mem + 512), 3);
}

static void restore_is_the_inverse(void **state)
{
    (void)state;
    static uint8_t other[XSTATE_AREA_MAX];
    xstate_save(&layout, mem, cpu, 7, false);
    set64(other + 24, 0xffff00001f80);
    assert_true(xstate_restore(&layout, other, mem, 7, 7));
    assert_memory_equal(other + 160, cpu + 160, 256);
    assert_memory_equal(other + 576, cpu + 576, 256);
    set64(mem + 512, 0);
    assert_true(xstate_restore(&layout, other, mem, 5, 7));
    assert_int_equal(other[576], 0);
    assert_int_equal(other[0], 0x7f);
    assert_int_equal(other[1], 0x03);
    assert_memory_equal(other + 160, cpu + 160, 256);
}

static void refuse(uint64_t at, uint64_t value, uint64_t xcr0)
{
    setup(NULL);
    xstate_save(&layout, mem, cpu, 7, false);
    set64(mem + at, value);
    memcpy(before, cpu, sizeof(cpu));
    assert_false(xstate_restore(&layout, cpu, mem, 7, xcr0));
    assert_memory_equal(before, cpu, sizeof(cpu));
}

static void bad_areas_are_a_gp(void **state)
{
    (void)state;
    refuse(512, 7, 3);
    refuse(512, 1ull << 63, 7);
    refuse(520, 1ull << 63, 7);
    refuse(528, 1, 7);
    refuse(24, 0x00010000, 7);
}

static void xcr0_rules(void **state)
{
    (void)state;
    struct xstate_layout all = { .components = 0xe7 };
    assert_true(xstate_xcr0_valid(&all, 1));
    assert_true(xstate_xcr0_valid(&all, 7));
    assert_true(xstate_xcr0_valid(&all, 0xe7));
    assert_false(xstate_xcr0_valid(&all, 0));
    assert_false(xstate_xcr0_valid(&all, 5));
    assert_false(xstate_xcr0_valid(&all, 0x27));
    assert_false(xstate_xcr0_valid(&all, 0xe3));
    assert_false(xstate_xcr0_valid(&all, 0x207));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(save_writes_what_is_asked_for, setup),
        cmocka_unit_test_setup(unused_components, setup),
        cmocka_unit_test_setup(restore_is_the_inverse, setup),
        cmocka_unit_test(bad_areas_are_a_gp),
        cmocka_unit_test(xcr0_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

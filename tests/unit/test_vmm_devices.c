/* links: vmm/ports.c vmm/rtc.c vmm/i8042.c */
/* The clock shows the host's time in UTC and BCD, the keyboard controller has a reset line and
 * nothing else, and a port that nobody has reads as ones and is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "vmm/devices.h"

static struct rtc rtc;
static unsigned resets;
static struct ports ports;

static void reset(void *ctx)
{
    (void)ctx;
    resets++;
}

static int set_up(void **state)
{
    static struct reset_line line = { NULL, reset };
    (void)state;
    ports = (struct ports){ .n = 0 };
    resets = 0;
    ports_add(&ports, i8042_ports(&line));
    ports_add(&ports, rtc_ports(&rtc));
    return 0;
}

static uint8_t in(uint16_t port)
{
    uint8_t value = 0x55;
    ports_io(&ports, false, port, &value, 1);
    return value;
}

static void out(uint16_t port, uint8_t value) { ports_io(&ports, true, port, &value, 1); }

static int clock_register(uint8_t reg)
{
    out(0x70, reg);
    return in(0x71);
}

static int decimal(uint8_t reg)
{
    int value = clock_register(reg);
    assert_true((value & 15) < 10 && value >> 4 < 10);
    return (value >> 4) * 10 + (value & 15);
}

static void the_clock_is_the_hosts(void **state)
{
    (void)state;
    struct tm tm = { 0 };
    time_t before = time(NULL), read;
    do { /* a second that ends in between is read again, as drivers do */
        tm.tm_sec = decimal(0);
        tm.tm_min = decimal(2);
        tm.tm_hour = decimal(4);
        tm.tm_mday = decimal(7);
        tm.tm_mon = decimal(8) - 1;
        tm.tm_year = decimal(0x32) * 100 + decimal(9) - 1900;
    } while (tm.tm_sec != decimal(0));
    int weekday = decimal(6);
    read = timegm(&tm);
    assert_in_range(read, before, before + 5);
    assert_int_equal(weekday, tm.tm_wday + 1);
}

static void its_status_lets_a_driver_read(void **state)
{
    (void)state;
    assert_int_equal(clock_register(10) & 0x80, 0);    /* no update under way */
    assert_int_equal(clock_register(11) & 0x06, 0x02); /* 24 hours, BCD */
    assert_int_equal(clock_register(13), 0x80);        /* the battery is good */
    assert_int_equal(clock_register(0x20), 0);         /* RAM that is not there */
    assert_int_equal(in(0x70), 0xff);
    assert_int_equal(clock_register(0x80 | 13), 0x80); /* bit 7 is not the register's */
    out(0x71, 0x12);
    assert_int_equal(clock_register(13), 0x80); /* cannot be set */
}

static void only_one_command_resets(void **state)
{
    (void)state;
    for (unsigned command = 0; command < 256; command++)
        if (command != 0xfe)
            out(0x64, (uint8_t)command);
    for (unsigned value = 0; value < 256; value++)
        out(0x60, (uint8_t)value);
    assert_int_equal(resets, 0);
    out(0x64, 0xfe);
    assert_int_equal(resets, 1);
    assert_int_equal(in(0x64) & 3, 0); /* nothing to read, ready */
    assert_int_equal(in(0x60), 0);
    assert_int_equal(in(0x61), 0xff);
}

static void a_port_of_nobody_is_ones(void **state)
{
    (void)state;
    uint8_t wide[4] = { 0 };
    ports_io(&ports, false, 0x1234, wide, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(wide[i], 0xff);
    uint64_t before = ports.unknown;
    out(0xffff, 1);
    assert_true(ports.unknown > before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_clock_is_the_hosts, set_up),
        cmocka_unit_test_setup(its_status_lets_a_driver_read, set_up),
        cmocka_unit_test_setup(only_one_command_resets, set_up),
        cmocka_unit_test_setup(a_port_of_nobody_is_ones, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

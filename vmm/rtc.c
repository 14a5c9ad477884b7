/* rtc.c - the clock in the CMOS RAM, read-only.
 * Source: the MC146818 data sheet; the century in register 0x32, as the FADT
 * says.  Shows the host's CLOCK_REALTIME in UTC, 24 hours, BCD.  Setting it,
 * alarms, periodic interrupts and the RAM are not modelled: other registers
 * read as 0, writes are ignored.
 *
 * A driver waits while UIP is set and reads twice until both agree, so it is
 * enough that each register is right when it is read. */
#include "vmm/devices.h"

#include <time.h>

enum {
    RTC_SECONDS = 0,
    RTC_MINUTES = 2,
    RTC_HOURS = 4,
    RTC_WEEKDAY = 6,
    RTC_DAY = 7,
    RTC_MONTH = 8,
    RTC_YEAR = 9,
    RTC_A = 10,
    RTC_B = 11,
    RTC_D = 13,
    RTC_CENTURY = 0x32
};

#define A_DIVIDER_32K 0x20
#define A_RATE_1024   0x06
#define B_24_HOURS    0x02
#define D_VALID       0x80

static uint8_t bcd(int n) { return (uint8_t)(n / 10 % 10 << 4 | n % 10); }

static uint8_t rtc_in(void *dev, uint16_t reg)
{
    struct rtc *rtc = dev;
    if (reg == 0)
        return 0xff; /* the index register is write-only */
    time_t now = time(NULL);
    struct tm tm;
    gmtime_r(&now, &tm);
    switch (__atomic_load_n(&rtc->index, __ATOMIC_RELAXED)) {
    case RTC_SECONDS: return bcd(tm.tm_sec);
    case RTC_MINUTES: return bcd(tm.tm_min);
    case RTC_HOURS: return bcd(tm.tm_hour);
    case RTC_WEEKDAY: return bcd(tm.tm_wday + 1);
    case RTC_DAY: return bcd(tm.tm_mday);
    case RTC_MONTH: return bcd(tm.tm_mon + 1);
    case RTC_YEAR: return bcd(tm.tm_year % 100);
    case RTC_CENTURY: return bcd((tm.tm_year + 1900) / 100);
    case RTC_A: return A_DIVIDER_32K | A_RATE_1024;
    case RTC_B: return B_24_HOURS;
    case RTC_D: return D_VALID;
    }
    return 0;
}

static void rtc_out(void *dev, uint16_t reg, uint8_t value)
{
    struct rtc *rtc = dev;
    if (reg == 0) /* bit 7 masks NMI, which nobody raises */
        __atomic_store_n(&rtc->index, value & 0x7f, __ATOMIC_RELAXED);
}

struct port_device rtc_ports(struct rtc *rtc)
{
    return (struct port_device){
        .name = "rtc", .first = 0x70, .count = 2, .dev = rtc, .in = rtc_in, .out = rtc_out
    };
}

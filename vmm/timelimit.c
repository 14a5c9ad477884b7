/* timelimit.c - see timelimit.h. */
#include "vmm/timelimit.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "vmm/options.h"

#define LONGEST_MS 1000000 /* between two looks at the clock */

static bool limited;
static double deadline;         /* by CLOCK_MONOTONIC */
static char text[80];           /* what the alarm says */
static struct sigaction before; /* what SIGALRM did */

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static void on_alarm(int sig)
{
    (void)sig;
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
    _exit(EXIT_TIMEOUT);
}

void time_limit_start(double seconds)
{
    struct sigaction alarm = { .sa_handler = on_alarm };
    if (seconds == 0)
        return;
    limited = true;
    deadline = now() + seconds;
    snprintf(text, sizeof(text), "vmm: time limit of %g s reached before the VM ran\n", seconds);
    sigaction(SIGALRM, &alarm, &before);
    double whole = (double)(time_t)seconds;
    struct itimerval at = { .it_value = { (time_t)whole, (suseconds_t)((seconds - whole) * 1e6) } };
    if (at.it_value.tv_sec == 0 && at.it_value.tv_usec == 0)
        at.it_value.tv_usec = 1; /* 0 would mean none */
    setitimer(ITIMER_REAL, &at, NULL);
}

void time_limit_disarm(void)
{
    static const struct itimerval never;
    if (!limited)
        return;
    setitimer(ITIMER_REAL, &never, NULL);
    sigaction(SIGALRM, &before, NULL);
}

int time_limit_left(void)
{
    if (!limited)
        return -1;
    double ms = (deadline - now()) * 1e3;
    if (ms <= 0)
        return 0;
    return ms > LONGEST_MS ? LONGEST_MS : (int)ms + 1;
}

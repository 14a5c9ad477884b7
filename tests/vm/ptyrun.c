/* ptyrun.c - runs a command on a terminal and talks to it by a script.
 *
 *     ptyrun SCRIPT COMMAND [ARG...]
 *
 * SCRIPT is a file, "-" for stdin, with one step a line:
 *     expect TEXT    wait until TEXT has come since the last expect was met
 *     send TEXT      type it
 *     absent TEXT    fail if it has come since the last expect was met
 *     sleep MS       wait, reading
 *     within SECONDS how long each later expect may take (default 20)
 *     exits N        wait for the end of the command, with this status
 *     size ROWS COLS resize the terminal
 *     signal N       send it to the command
 *     restored       the terminal has the modes that it had before the command
 * In TEXT, \n \r \t \e \\ and \xHH are as in C.  What the command wrote goes to
 * stdout as it comes.  The first step that fails is named on stderr: status 1.
 * SLOW=N in the environment stretches all times. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#define MAX_OUTPUT (1 << 20)

static char output[MAX_OUTPUT + 1];
static size_t have, seen; /* bytes of output; up to where expects were met */
static int master, slave, line_number;
static int slow = 1; /* by how much times are stretched */
static pid_t child;
static struct termios before;

static void fail(const char *step, const char *text)
{
    fprintf(stderr, "ptyrun: line %d: %s %s\n", line_number, step, text);
    kill(child, SIGTERM);
    usleep(200000);
    kill(child, SIGKILL);
    exit(1);
}

static long now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Reads what comes within ms; 0 at the end of the command. */
static int pump(long ms)
{
    struct pollfd p = { master, POLLIN, 0 };

    if (poll(&p, 1, ms) <= 0)
        return 1;
    if (have == MAX_OUTPUT)
        fail("too much output", "");
    ssize_t got = read(master, output + have, MAX_OUTPUT - have);
    if (got <= 0)
        return 0;
    for (ssize_t i = 0; i < got; i++)
        if (output[have + i] == '\0')
            output[have + i] = '?';
    if (write(STDOUT_FILENO, output + have, got) != got)
        exit(1);
    have += got;
    output[have] = '\0';
    return 1;
}

static void expect(const char *text, long seconds)
{
    long end = now_ms() + seconds * 1000 * slow;
    char *at;

    while ((at = strstr(output + seen, text)) == NULL) {
        long left = end - now_ms();
        if (left <= 0 || !pump(left))
            fail("did not come:", text);
    }
    seen = at - output + strlen(text);
}

static size_t unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        switch (*++from) {
        case 'n': *to++ = '\n'; break;
        case 'r': *to++ = '\r'; break;
        case 't': *to++ = '\t'; break;
        case 'e': *to++ = '\033'; break;
        case 'x': {
            char hex[3] = { from[1], from[2], 0 };
            *to++ = (char)strtol(hex, NULL, 16);
            from += 2;
            break;
        }
        case '\0': from--; break;
        default: *to++ = *from;
        }
    }
    *to = '\0';
    return to - text;
}

static void wait_exit(const char *text)
{
    int status;
    long end = now_ms() + 20000 * slow;

    for (;;) {
        pump(20);
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child)
            break;
        if (now_ms() > end)
            fail("still runs; exits", text);
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (code != atoi(text)) {
        fprintf(stderr, "ptyrun: the status is %d\n", code);
        fail("exits", text);
    }
}

static void restored(void)
{
    struct termios now;

    tcgetattr(slave, &now);
    if (now.c_iflag != before.c_iflag || now.c_oflag != before.c_oflag ||
        now.c_cflag != before.c_cflag || now.c_lflag != before.c_lflag ||
        memcmp(now.c_cc, before.c_cc, sizeof(now.c_cc)) != 0)
        fail("the terminal's modes are not restored", "");
}

/* The kernel of the terminal tells its foreground group. */
static void resize(const char *text)
{
    struct winsize window = { 0 };

    if (sscanf(text, "%hu %hu", &window.ws_row, &window.ws_col) != 2 ||
        ioctl(master, TIOCSWINSZ, &window) != 0)
        fail("size", text);
}

static void run_script(FILE *script)
{
    char *line = NULL, *text;
    size_t size = 0;
    long within = 20;

    while (getline(&line, &size, script) > 0) {
        line_number++;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0')
            continue;
        text = strchr(line, ' ');
        if (text != NULL)
            *text++ = '\0';
        else
            text = line + strlen(line);
        size_t len = unescape(text);
        if (strcmp(line, "expect") == 0) {
            expect(text, within);
        } else if (strcmp(line, "absent") == 0) {
            if (strstr(output + seen, text) != NULL)
                fail("came:", text);
        } else if (strcmp(line, "send") == 0) {
            if (write(master, text, len) != (ssize_t)len)
                fail("cannot send", text);
        } else if (strcmp(line, "sleep") == 0) {
            for (long end = now_ms() + atoi(text) * slow; now_ms() < end;)
                pump(end - now_ms());
        } else if (strcmp(line, "within") == 0) {
            within = atoi(text);
        } else if (strcmp(line, "exits") == 0) {
            wait_exit(text);
        } else if (strcmp(line, "size") == 0) {
            resize(text);
        } else if (strcmp(line, "signal") == 0) {
            kill(child, atoi(text));
        } else if (strcmp(line, "restored") == 0) {
            restored();
        } else {
            fail("no such step:", line);
        }
    }
    free(line);
}

int main(int argc, char **argv)
{
    struct winsize window = { .ws_row = 24, .ws_col = 80 };
    FILE *script;

    if (argc < 3) {
        fprintf(stderr, "usage: ptyrun SCRIPT COMMAND [ARG...]\n");
        return 2;
    }
    script = strcmp(argv[1], "-") == 0 ? stdin : fopen(argv[1], "r");
    if (script == NULL || openpty(&master, &slave, NULL, NULL, &window) != 0) {
        perror("ptyrun");
        return 2;
    }
    if (getenv("SLOW") != NULL)
        slow = atoi(getenv("SLOW"));
    tcgetattr(slave, &before);
    child = fork();
    if (child == 0) {
        close(master);
        login_tty(slave);
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    run_script(script);
    kill(child, SIGKILL);
    return 0;
}

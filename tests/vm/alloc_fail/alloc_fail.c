/* alloc_fail.c - for each of many operations: lets its first, second, third ... allocation fail,
 * until there are no more.  Runs under the kernel that can do so (/proc/forkscope/fail_nth).
 *
 * Each time the operation succeeds, or fails with ENOMEM or EAGAIN (a lock: ENOLCK), and is as
 * if it had not been: what the kernel holds is as much as before. */
#include "tests/vm/alloc_fail/ops.h"
#include "tests/vm/held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

char page_of_names[3000], *five;
int exec_nth, last_status;
const char *exec_path;
volatile int signals;

static int fail_fd, bad;

void arm(int n)
{
    char text[16];
    int len = snprintf(text, sizeof(text), "%d", n);

    if (pwrite(fail_fd, text, len, 0) != len)
        _exit(99);
}

int disarm(void)
{
    char text[16] = "";

    if (pread(fail_fd, text, sizeof(text) - 1, 0) <= 0)
        _exit(98);
    return text[0] == '0';
}

int done(long result) { return result < 0 ? -errno : 0; }

int wait_for(pid_t pid)
{
    int status = -1;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    last_status = status;
    return status;
}

void on_signal(int sig, siginfo_t *info, void *context)
{
    (void)sig, (void)info, (void)context;
    signals++;
}

int child_said(pid_t pid)
{
    if (pid < 0)
        return -EPROTO;
    int status = wait_for(pid);
    if (!WIFEXITED(status))
        return -EPROTO;
    arm(WEXITSTATUS(status) == 100 ? 1000000 : 0);
    return WEXITSTATUS(status) >= 100 ? 0 : -WEXITSTATUS(status);
}

static void try_all(const struct op *op)
{
    struct held before, now;
    int failed = 0, n, err;

    exec_path = strstr(op->name, "script") ? "/tmp/script" : "/proc/self/exe";
    exec_nth = 1000000;
    for (int i = 0; i < 3; i++) /* what it touches for the first time */
        if ((err = op->run()) != 0)
            printf("FAIL %s, undisturbed: %s\n", op->name, strerror(-err)), bad = 1;
    disarm();
    before = held();
    if (!held_same(&before, &now, 200, 1000))
        before = now;
    for (n = 1; n < 5000; n++) {
        exec_nth = n;
        arm(op->in_child ? 0 : n);
        last_status = 0;
        err = op->run();
        int fired = disarm();
        if (err != 0 && err != -ENOMEM && err != -EAGAIN && err != -ENOLCK) {
            printf("FAIL %s, allocation %d: %s, status %#x\n", op->name, n, strerror(-err),
                   last_status);
            bad = 1;
        }
        failed += err != 0;
        if (!held_same(&before, &now, 200, 1000)) {
            printf("FAIL %s, allocation %d: %s, and then\n", op->name, n, strerror(-err));
            held_say("  before", &before);
            held_say("  after ", &now);
            before = now;
            bad = 1;
        }
        if (!fired)
            break;
    }
    if (n == 5000)
        printf("FAIL %s: there is no end\n", op->name), bad = 1;
    printf("%s: %d allocations, %d times an error\n", op->name, n - 1, failed);
    fflush(stdout);
}

static void prepare(void)
{
    struct sigaction a = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

    sigaction(SIGUSR1, &a, NULL);
    sigaction(SIGRTMIN + 3, &a, NULL);
    memset(page_of_names, 'n', sizeof(page_of_names) - 1);
    five = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 5; i++)
        five[i * PAGE] = 1;
    int script = open("/tmp/script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#!/alloc_fail %s\n", ENDS);
    close(script);
    mkfifo("/tmp/fifo", 0600);
    close(open("/tmp/locked", O_CREAT | O_WRONLY, 0600));
    /* The kernel keeps the page of its table that our number is in, and the one that numbers are
     * given out from: until they are two, it comes to hold one more. */
    for (pid_t pid = 0; pid < 200; wait_for(pid))
        if ((pid = fork()) == 0)
            _exit(0);
    held_open();
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], ENDS) == 0) {
        fail_fd = 3;
        _exit(disarm() ? 101 : 100); /* started, with an allocation that failed, or without */
    }
    fail_fd = open("/proc/forkscope/fail_nth", O_RDWR);
    if (fail_fd != 3) {
        printf("no /proc/forkscope/fail_nth, or descriptors are open\n");
        return 2;
    }
    prepare();
    static const struct op *const kinds[] = { task_ops,  memory_ops, share_ops, file_ops,
                                              event_ops, ipc_ops,    space_ops };
    for (int k = 0; k < 7; k++)
        for (const struct op *op = kinds[k]; op->name != NULL; op++)
            if (argc < 2 || strcmp(argv[1], op->name) == 0)
                try_all(op);
    printf("%s\n", bad ? "BAD" : "all is well");
    return bad;
}

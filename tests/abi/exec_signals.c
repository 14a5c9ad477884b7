/* execve and signals: handlers become default, ignored ones stay ignored, mask
 * and pending set stay, the alternate stack is off. */
#include "check.h"

static void handler(int sig) { (void)sig; }

static void test(void)
{
    static char *const argv[] = { "sh", "-c",
                                  "grep -E '^(SigPnd|ShdPnd|SigBlk|SigIgn|SigCgt)' "
                                  "/proc/$$/status; kill -QUIT $$; echo alive;"
                                  "kill -USR1 $$; echo not reached",
                                  NULL };
    static char alt[65536];
    stack_t stack = { .ss_sp = alt, .ss_size = sizeof(alt) };
    sigset_t set;

    CHECK_DIES(SIGUSR1, {
        sigaltstack(&stack, NULL);
        handle(SIGUSR1, handler, 0);
        handle(SIGUSR2, handler, SA_ONSTACK);
        handle(SIGQUIT, SIG_IGN, 0);
        handle(SIGCHLD, SIG_DFL, 0);
        handle(SIGHUP, SIG_IGN, 0);
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        sigaddset(&set, SIGWINCH);
        sigprocmask(SIG_BLOCK, &set, NULL);
        raise(SIGUSR2);
        execvp(argv[0], argv);
    });
}

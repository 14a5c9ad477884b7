/* System calls by code of 32 bits, which the segment of Linux's GDT allows: whatever the processor makes of
 * them, the program gets an error or a signal, and the system goes on. */
#include "check.h"

static volatile struct {
    unsigned at;
    unsigned short segment;
} far __attribute__((used));

static void run(const char *what, const unsigned char *code)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        unsigned char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
        memcpy(p, code, 3);
        far.at = (unsigned)(uintptr_t)p;
        far.segment = 0x23;
        __asm__ volatile("mov %0, %%rsp\n\t"
                         "mov $20, %%eax\n\t"
                         "ljmpl *far"
                         :
                         : "r"(p + 2 * PAGE - 64));
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status)); /* if not before, by HLT */
    SAY("# %s: signal %d\n", what, WTERMSIG(status));
}

static void test(void)
{
    run("syscall", (const unsigned char[]){ 0x0f, 0x05, 0xf4 });
    run("sysenter", (const unsigned char[]){ 0x0f, 0x34, 0xf4 });
    run("int 0x80", (const unsigned char[]){ 0xcd, 0x80, 0xf4 });
    SAY("still here\n");
}

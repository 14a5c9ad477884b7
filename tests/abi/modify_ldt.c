/* modify_ldt(2): segments of a program's own, in all its threads, copied by fork, gone with exec. */
#include "check.h"

#include <pthread.h>
#include <ucontext.h>

struct desc {
    unsigned entry, base, limit;
    unsigned seg_32bit : 1, contents : 2, read_exec_only : 1, limit_in_pages : 1,
        seg_not_present : 1, useable : 1, lm : 1;
};

#define SELECTOR(n) ((unsigned)(n) << 3 | 7)
#define USER_CODE   0x33

static long ldt(int what, void *at, unsigned long n)
{
    return syscall(SYS_modify_ldt, what, at, n);
}

static long set(unsigned entry, const void *base, unsigned limit)
{
    struct desc d = { .entry = entry,
                      .base = (unsigned)(uintptr_t)base,
                      .limit = limit,
                      .seg_32bit = 1,
                      .useable = 1 };
    return ldt(0x11, &d, sizeof d);
}

static unsigned fs_word(unsigned sel)
{
    unsigned value;
    unsigned long base;

    /* the thread's own base is back before anybody misses it */
    __asm__ volatile("mov %%fs:0, %1\n\t"
                     "mov %w2, %%fs\n\t"
                     "mov %%fs:4, %0\n\t"
                     "mov %1, %%rsi\n\t"
                     "mov $0x1002, %%edi\n\t"
                     "mov $158, %%eax\n\t"
                     "syscall"
                     : "=&r"(value), "=&b"(base)
                     : "r"(sel)
                     : "rax", "rcx", "r11", "rsi", "rdi", "memory");
    return value;
}

static unsigned gs_word(void)
{
    unsigned value;
    __asm__ volatile("mov %%gs:4, %0" : "=r"(value));
    return value;
}
static void load_gs(unsigned sel) { __asm__ volatile("mov %w0, %%gs" : : "r"(sel)); }
static unsigned gs(void)
{
    unsigned sel;
    __asm__ volatile("mov %%gs, %0" : "=r"(sel));
    return sel & 0xffff;
}

static unsigned *words; /* below 4 GiB */

static void calls(void)
{
    struct desc d = { .entry = 8192, .seg_32bit = 1 };
    unsigned char bytes[64];
    unsigned long all[3];

    SAY("at first %ld\n", ldt(0, bytes, sizeof bytes));
    SAY("default %ld\n", ldt(2, bytes, sizeof bytes));
    SAY("unknown %ld\n", ldt(100, bytes, sizeof bytes));
    SAY("size %ld\n", ldt(1, &d, sizeof d - 1));
    SAY("pointer %ld\n", ldt(1, NULL, sizeof d));
    SAY("number %ld\n", ldt(1, &d, sizeof d));
    d.entry = 1;
    d.contents = 3;
    SAY("conforming, old %ld\n", ldt(1, &d, sizeof d));
    SAY("conforming, new %ld\n", ldt(0x11, &d, sizeof d));
    d.contents = 0;
    SAY("set %ld\n", set(2, (void *)0x12345678, 0xabcde));
    memset(bytes, 0xcc, sizeof bytes);
    SAY("read %ld\n", ldt(0, bytes, sizeof bytes));
    for (int i = 0; i < 5; i++) {
        memcpy(all, bytes + 8 * i, 8);
        SAY("%016lx\n", all[0]);
    }
    SAY("read a part %ld\n", ldt(0, bytes, 20));
    SAY("read nowhere %ld\n", ldt(0, (void *)1, 20));
    d = (struct desc){ .entry = 2,
                       .base = 16,
                       .limit = 5,
                       .seg_32bit = 1,
                       .limit_in_pages = 1,
                       .useable = 1,
                       .contents = 1,
                       .read_exec_only = 1 };
    SAY("old way %ld\n", ldt(1, &d, sizeof d));
    ldt(0, all, sizeof all);
    SAY("%016lx\n", all[2]);
    d.seg_not_present = 1;
    SAY("not present %ld\n", ldt(0x11, &d, sizeof d));
    ldt(0, all, sizeof all);
    SAY("%016lx\n", all[2]);
    d = (struct desc){ .entry = 2, .read_exec_only = 1, .seg_not_present = 1 };
    SAY("empty %ld\n", ldt(0x11, &d, sizeof d));
    ldt(0, all, sizeof all);
    SAY("%016lx\n", all[2]);
}

static void use(void)
{
    int status;

    words[1] = 11;
    words[1025] = 22;
    CHECK(set(0, words, 4095) == 0);
    CHECK(set(8191, words + 1024, 4095) == 0);
    CHECK_EQ(fs_word(SELECTOR(0)), 11);
    CHECK_EQ(fs_word(SELECTOR(8191)), 22);
    load_gs(SELECTOR(0));
    for (int i = 0; i < 5; i++) { /* others run meanwhile */
        pid_t child = fork();
        if (child == 0) {
            CHECK(gs_word() == 11);
            load_gs(SELECTOR(8191));
            sched_yield();
            CHECK(gs_word() == 22);
            CHECK(set(0, words + 1024, 100) == 0); /* the child's alone */
            load_gs(SELECTOR(0));
            CHECK(gs_word() == 22);
            _exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        CHECK(gs_word() == 11);
    }
    if (fork() == 0) {
        load_gs(SELECTOR(5)); /* there is none */
        _exit(0);
    }
    wait(&status);
    SAY("none there: signal %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
    load_gs(0);
}

static void *in_thread(void *arg)
{
    int *turn = arg;

    while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) != 1)
        sched_yield();
    load_gs(SELECTOR(7));
    CHECK_EQ(gs_word(), 11);
    __atomic_store_n(turn, 2, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(turn, __ATOMIC_SEQ_CST) != 3)
        ;
    load_gs(SELECTOR(7));
    CHECK_EQ(gs_word(), 22);
    return NULL;
}

static void threads(void)
{
    int turn = 0;
    pthread_t t;

    CHECK(pthread_create(&t, NULL, in_thread, &turn) == 0);
    CHECK(set(7, words, 4095) == 0);
    __atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&turn, __ATOMIC_SEQ_CST) != 2)
        sched_yield();
    CHECK(set(7, words + 1024, 4095) == 0);
    __atomic_store_n(&turn, 3, __ATOMIC_SEQ_CST);
    CHECK(pthread_join(t, NULL) == 0);
}

/* --- code of 32 bits --------------------------------------------------------------- */

static volatile unsigned long saved[8] __attribute__((used));
static volatile unsigned result, handled;
static int remove_it;
extern char back[];

static volatile struct {
    unsigned code;
    unsigned short sel;
} far __attribute__((used));

/* To that code by a far jump; it comes back by another. */
static __attribute__((noinline)) void run_32(unsigned sel, void *code, void *stack)
{
    far.code = (unsigned)(uintptr_t)code;
    far.sel = (unsigned short)sel;
    __asm__ volatile("mov %%rsp, saved\n\t"
                     "mov %%rbp, saved+8\n\t"
                     "mov %%rbx, saved+16\n\t"
                     "mov %%r12, saved+24\n\t"
                     "mov %%r13, saved+32\n\t"
                     "mov %%r14, saved+40\n\t"
                     "mov %%r15, saved+48\n\t"
                     "mov %0, %%rsp\n\t"
                     "ljmpl *far\n\t"
                     "back:\n\t"
                     "mov %%eax, result\n\t"
                     "mov saved, %%rsp\n\t"
                     "mov saved+8, %%rbp\n\t"
                     "mov saved+16, %%rbx\n\t"
                     "mov saved+24, %%r12\n\t"
                     "mov saved+32, %%r13\n\t"
                     "mov saved+40, %%r14\n\t"
                     "mov saved+48, %%r15"
                     :
                     : "r"(stack)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static void handler(int sig, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    unsigned long cs = u->uc_mcontext.gregs[REG_CSGSFS] & 0xffff;

    (void)info;
    CHECK_EQ(sig, SIGSEGV);
    CHECK_EQ(cs, SELECTOR(3));
    CHECK_EQ(u->uc_mcontext.gregs[REG_TRAPNO], 13);
    if (++handled > 3)
        _exit(1);
    if (remove_it && handled == 1) {
        struct desc none = { .entry = 3, .read_exec_only = 1, .seg_not_present = 1 };
        CHECK(ldt(0x11, &none, sizeof none) == 0);
        return; /* to nowhere */
    }
    u->uc_mcontext.gregs[REG_RIP]++; /* HLT */
    if (remove_it) {
        u->uc_mcontext.gregs[REG_RIP] = (long)back;
        u->uc_mcontext.gregs[REG_CSGSFS] =
            (u->uc_mcontext.gregs[REG_CSGSFS] & ~0xffffl) | USER_CODE;
    }
}

static void code_32(void)
{
    static const unsigned char program[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, /* mov eax, 0x12345678 */
                                             0xf4,                         /* hlt */
                                             0x40,   /* inc eax, a prefix in 64 bits */
                                             0xea }; /* jmp USER_CODE:back */
    struct desc d = { .entry = 3,
                      .limit = 0xfffff,
                      .seg_32bit = 1,
                      .contents = 2,
                      .limit_in_pages = 1,
                      .useable = 1 };
    unsigned char *code = (unsigned char *)(words + 2048);
    unsigned to = (unsigned)(uintptr_t)back;
    struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    stack_t stack = { .ss_sp = words + 4096, .ss_size = 32768 };

    CHECK(sigaltstack(&stack, NULL) == 0);
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
    memcpy(code, program, sizeof program);
    memcpy(code + sizeof program, &to, 4);
    code[sizeof program + 4] = USER_CODE;
    code[sizeof program + 5] = 0;
    for (remove_it = 0; remove_it < 2; remove_it++) {
        if (ldt(0x11, &d, sizeof d) != 0) {
            SAY("# no segments of code here\n");
            break;
        }
        handled = result = 0;
        run_32(SELECTOR(3), code, words + 4090);
        CHECK_EQ(result, remove_it ? 0x12345678 : 0x12345679);
        CHECK_EQ(handled, remove_it ? 2 : 1);
    }
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
}

static void after_exec(void)
{
    unsigned long word;
    SAY("after exec %ld, gs %x\n", ldt(0, &word, sizeof word), gs());
}

static void test(void)
{
    char *const again[] = { "modify_ldt", NULL };
    char *const mark[] = { "AFTER_EXEC=1", NULL };
    unsigned char byte;

    if (getenv("AFTER_EXEC")) {
        after_exec();
        return;
    }
    if ((int)ldt(0, &byte, 1) == -1 || (int)ldt(0, &byte, 1) == -ENOSYS) {
        SAY("# no modify_ldt here\n");
        return;
    }
    words = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    CHECK(words != MAP_FAILED);
    calls();
    use();
    threads();
    code_32();
    load_gs(SELECTOR(0));
    execve("/proc/self/exe", again, mark);
    CHECK(0);
}

/* FUTEX_WAKE_OP: changes the second word, atomically, by each of its operations, wakes at the first
 * word, and at the second if the old value compares. */
#include "threads.h"

enum { SET, ADD, OR, ANDN, XOR, SHIFT = 8 };
enum { EQ, NE, LT, LE, GT, GE };

static uint32_t first, second;
static volatile pid_t tids[2];

static uint32_t op_word(int op, int arg, int cmp, int cmp_arg)
{
    return (uint32_t)op << 28 | cmp << 24 | (arg & 0xfff) << 12 | (cmp_arg & 0xfff);
}

static long wake_op(uint32_t op)
{
    return futex(&first, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, &second, op);
}

static void *waits(void *arg)
{
    uint32_t *at = arg;

    tids[at == &second] = my_tid();
    return (void *)futex(at, FUTEX_WAIT_PRIVATE, *at, NULL, NULL, 0);
}

static void operations(void)
{
    static const struct {
        int op, arg;
        uint32_t before, after;
    } row[] = {
        { SET, 7, 1, 7 },          { ADD, 7, 1, 8 },
        { ADD, -2, 1, -1u },       { OR, 6, 1, 7 },
        { ANDN, 3, 7, 4 },         { XOR, 5, 7, 2 },
        { SHIFT | SET, 4, 1, 16 }, { SHIFT | OR, 31, 1, 0x80000001 },
        { SET, -1, 0, -1u },
    };

    for (unsigned i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        second = row[i].before;
        CHECK_EQ(wake_op(op_word(row[i].op, row[i].arg, EQ, 0)), 0);
        CHECK_EQ(second, row[i].after);
    }
    CHECK_ERR(ENOSYS, wake_op(op_word(5, 0, EQ, 0)));
    CHECK_ERR(ENOSYS, wake_op(op_word(SET, 0, 6, 0)));
    CHECK_ERR(EFAULT,
              futex(&first, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1, (void *)-4096L, 0));
    CHECK_ERR(EINVAL, futex(&first, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 1, (void *)1,
                            (char *)&second + 2, 0));
}

/* Wakes both, or the first only. */
static void wakes(int cmp, int cmp_arg, int both)
{
    tids[0] = tids[1] = 0;
    first = 0;
    second = 5;
    pthread_t a = start(waits, &first), b = start(waits, &second);
    CHECK(wait_asleep(&tids[0], SYS_futex) && wait_asleep(&tids[1], SYS_futex));
    CHECK_EQ(wake_op(op_word(ADD, 1, cmp, cmp_arg)), 1 + both);
    CHECK_EQ(join(a), 0);
    if (!both)
        CHECK_EQ(futex(&second, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), 1);
    CHECK_EQ(join(b), 0);
    CHECK_EQ(second, 6);
}

static void test(void)
{
    operations();
    wakes(EQ, 5, 1);
    wakes(EQ, 6, 0);
    wakes(NE, 5, 0);
    wakes(LT, 6, 1);
    wakes(LE, 4, 0);
    wakes(GT, -1, 1);
    wakes(GE, 5, 1);
}

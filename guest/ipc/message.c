/* message.c - messages: copied in before they are in a queue, and out when they are in none. */
#include "ipc/message.h"
#include "arch/preempt.h"
#include "arch/uaccess.h"
#include "mm/heap.h"

#define FIRST_BYTES (KMALLOC_MAX - sizeof(struct message))
#define PART_BYTES  (KMALLOC_MAX - sizeof(struct message_part))
#define WORK_PART   900u /* instructions, about (arch/preempt.h) */

static struct message *alloc(size_t n)
{
    struct message *m = kmalloc(sizeof(*m) + MIN(n, FIRST_BYTES));

    if (m == NULL)
        return NULL;
    list_init(&m->link);
    m->parts = NULL;
    m->size = n;
    struct message_part **end = &m->parts;
    for (size_t at = FIRST_BYTES; at < n; at += PART_BYTES) {
        *end = kmalloc(sizeof(**end) + MIN(n - at, PART_BYTES));
        if (*end == NULL) {
            message_free(m);
            return NULL;
        }
        (*end)->next = NULL;
        end = &(*end)->next;
        preempt_work(WORK_PART / 4);
    }
    return m;
}

void message_free(struct message *m)
{
    for (struct message_part *p = m->parts, *next; p != NULL; p = next) {
        next = p->next;
        kfree(p);
        preempt_tell(WORK_PART / 8);
    }
    kfree(m);
}

int message_take(uaddr_t from, size_t n, struct message **out)
{
    struct message *m = alloc(n);

    if (m == NULL)
        return -ENOMEM;
    int err = copy_from_user(m->bytes, from, MIN(n, FIRST_BYTES));
    size_t at = FIRST_BYTES;
    for (struct message_part *p = m->parts; p != NULL && err == 0; p = p->next) {
        err = copy_from_user(p->bytes, from + at, MIN(n - at, PART_BYTES));
        at += PART_BYTES;
        preempt_work(WORK_PART);
    }
    if (err != 0) {
        message_free(m);
        return -EFAULT;
    }
    *out = m;
    return 0;
}

int message_give(const struct message *m, uaddr_t to, size_t n)
{
    int err = copy_to_user(to, m->bytes, MIN(n, FIRST_BYTES));
    size_t at = FIRST_BYTES;

    for (const struct message_part *p = m->parts; at < n && err == 0; p = p->next) {
        err = copy_to_user(to + at, p->bytes, MIN(n - at, PART_BYTES));
        at += PART_BYTES;
        preempt_work(WORK_PART);
    }
    return err != 0 ? -EFAULT : 0;
}

/* sysvipc.c - /proc/sysvipc, in Linux's columns, and /proc/sys/kernel/sem. */
#include "arch/preempt.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "proc/pid_ns.h"
#include "procfs/internal.h"
#include "sched/task.h"

#define WORK_LINE 6000u /* instructions, about (arch/preempt.h) */

/* A line for each object that current may read, as ipcs(1) shows it. */
static void show_all(struct text *t, struct ipc_ids *ids,
                     void (*line)(struct text *t, struct ipc_object *o))
{
    struct ipc_object *o;
    bool more = true;

    for (uint32_t at = 0; more && !t->failed;) {
        o = ipc_next(ids, &at, &more);
        preempt_work(IPC_PAGE_SLOTS * 4);
        if (o == NULL)
            continue;
        line(t, o);
        ipc_put(o);
        at++;
        preempt_work(WORK_LINE);
    }
}

static void msg_line(struct text *t, struct ipc_object *o)
{
    struct msg_queue *q = container_of(o, struct msg_queue, ipc);
    struct ipc64_perm p;

    if (msg_lock(q) != 0)
        return;
    ipc_show(o, &p);
    text_printf(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u %10ld %10ld %10ld\n", p.key,
                o->id, p.mode, q->nbytes, q->nmessages, pid_stamp_told(q->last_sender),
                pid_stamp_told(q->last_receiver), p.uid, p.gid, p.cuid, p.cgid, q->sent,
                q->received, q->changed);
    mutex_unlock(&q->lock);
}

static int show_msg(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  "
                   "cuid  cgid      stime      rtime      ctime\n");
    show_all(t, &ipc_here()->msg, msg_line);
    return 0;
}

static void sem_line(struct text *t, struct ipc_object *o)
{
    struct sem_set *s = container_of(o, struct sem_set, ipc);
    struct ipc64_perm p;

    if (sem_lock(s) != 0)
        return;
    ipc_show(o, &p);
    text_printf(t, "%10d %10d  %4o %10u %5u %5u %5u %5u %10ld %10ld\n", p.key, o->id, p.mode, s->n,
                p.uid, p.gid, p.cuid, p.cgid, s->otime, s->ctime);
    mutex_unlock(&s->lock);
}

static int show_sem(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      "
                   "ctime\n");
    show_all(t, &ipc_here()->sem, sem_line);
    return 0;
}

static void shm_line(struct text *t, struct ipc_object *o)
{
    struct shm_segment *s = shm_of(o);
    struct ipc64_perm p;

    ipc_show(o, &p);
    text_printf(t,
                "%10d %10d  %4o %21lu %5u %5u  %5u %5u %5u %5u %5u %10ld %10ld %10ld %21lu %21u\n",
                p.key, o->id, p.mode, s->size, pid_stamp_told(s->creator), pid_stamp_told(s->last),
                s->attached, p.uid, p.gid, p.cuid, p.cgid, s->atime, s->dtime, s->ctime,
                shm_resident(s) * PAGE_SIZE, 0u);
}

static int show_shm(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t,
                "       key      shmid perms                  size  cpid  lpid nattch   uid   gid"
                "  cuid  cgid      atime      dtime      ctime                   rss"
                "                  swap\n");
    show_all(t, &ipc_here()->shm, shm_line);
    return 0;
}

/* clang-format off */
const struct pfs_entry proc_sysvipc_table[] = {
    PFS_FILE("msg", 0444, show_msg),
    PFS_FILE("sem", 0444, show_sem),
    PFS_FILE("shm", 0444, show_shm),
    PFS_END,
};
/* clang-format on */

/* --- /proc/sys/kernel/sem: four numbers ------------------------------------------------- */

int show_sem_limits(struct text *t, const struct pfs_node *n __attribute__((unused)))
{
    text_printf(t, "%u\t%u\t%u\t%lu\n", ipc_here()->sem_max_in_set, ipc_here()->sem_max_all,
                ipc_here()->sem_max_ops, ipc_here()->sem.limit);
    return 0;
}

/* As many as are written, the others stay. */
int store_sem_limits(const struct pfs_node *n __attribute__((unused)), char *line)
{
    static const uint64_t most[] = { 65536, INT32_MAX, SEM_OPS_MAX, IPC_SLOTS_MAX };
    uint64_t value[4] = { ipc_here()->sem_max_in_set, ipc_here()->sem_max_all,
                          ipc_here()->sem_max_ops, ipc_here()->sem.limit };
    const char *at = line;

    if (!capable())
        return -EPERM;
    for (unsigned i = 0; i < 4; i++) {
        while (*at == ' ' || *at == '\t')
            at++;
        if (*at == 0)
            break;
        if (!pfs_parse(&at, &value[i]) || value[i] > most[i])
            return -EINVAL;
    }
    ipc_here()->sem_max_in_set = (uint32_t)value[0];
    ipc_here()->sem_max_all = (uint32_t)value[1];
    ipc_here()->sem_max_ops = (uint32_t)value[2];
    ipc_here()->sem.limit = value[3];
    return 0;
}

/* undo.h - what the end of a process takes back of its semaphores, and the namespaces of those: ipc/sem_undo.c and
 * ipc/space.c, which lie above and register here. */
#ifndef PROC_UNDO_H
#define PROC_UNDO_H

struct ns;
struct process;

struct undo_hooks {
    int (*own)(void);                     /* current has a list from now on: 0 or -ENOMEM */
    void (*share)(struct process *child); /* ... which child has, too */
    void (*leave)(struct process *p);     /* p has it no longer; the last one's is done */
    struct ns *first_space;
    struct ns *(*make_space)(void); /* NULL: no memory */
    void (*end_space)(struct ns *ns);
};
extern const struct undo_hooks *undo_hooks;
void undo_register(const struct undo_hooks *hooks);

#endif

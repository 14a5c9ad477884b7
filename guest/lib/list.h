/* list.h - doubly linked rings.  The head is an element without a body. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/base.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name) \
    { \
        &(name), &(name) \
    }
static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }
static inline void list_insert_(struct list *n, struct list *before, struct list *after)
{
    n->prev = before;
    n->next = after;
    before->next = n;
    after->prev = n;
}
static inline void list_push_back(struct list *head, struct list *n)
{
    list_insert_(n, head->prev, head);
}
static inline void list_push_front(struct list *head, struct list *n)
{
    list_insert_(n, head, head->next);
}
/* Leaves n a ring of its own: removing it again, or list_empty(n), is fine. */
static inline void list_remove(struct list *n)
{
    n->prev->next = n->next;
    n->next->prev = n->prev;
    list_init(n);
}
/* Moves all of from's elements behind to's. */
static inline void list_splice_back(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}
#define list_entry(l, type, member)    container_of(l, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)
#define list_for_each(pos, head, member) \
    for (pos = list_entry((head)->next, __typeof__(*pos), member); &pos->member != (head); \
         pos = list_entry(pos->member.next, __typeof__(*pos), member))
#define list_for_each_safe(pos, tmp, head, member) \
    for (pos = list_entry((head)->next, __typeof__(*pos), member), \
        tmp = list_entry(pos->member.next, __typeof__(*pos), member); \
         &pos->member != (head); \
         pos = tmp, tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif

/* idmap.c - open addressing with linear probing.  Removal moves later entries of the
 * cluster back, so there are no tombstones and no decay.  Events come in runs of one
 * task or table, so the record asked for last is kept at hand.  A record that was removed
 * is the next one to be given out. */
#include "vmm/trace/lib/idmap.h"

#include <stdlib.h>
#include <string.h>

struct idmap {
    size_t record_size, capacity, count; /* capacity: a power of two */
    uint32_t **at;                       /* by hash; NULL: free */
    uint32_t *last;
    void *spare; /* records; the first bytes of each lead to the next */
};

struct idmap *idmap_new(size_t record_size)
{
    struct idmap *m = calloc(1, sizeof(*m));
    if (m == NULL)
        return NULL;
    m->record_size = record_size < sizeof(void *) ? sizeof(void *) : record_size;
    m->capacity = 64;
    m->at = calloc(m->capacity, sizeof(m->at[0]));
    if (m->at == NULL) {
        free(m);
        return NULL;
    }
    return m;
}

void idmap_free(struct idmap *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->capacity; i++)
        free(m->at[i]);
    for (void *next; m->spare != NULL; m->spare = next) {
        memcpy(&next, m->spare, sizeof(next));
        free(m->spare);
    }
    free(m->at);
    free(m);
}

static size_t home(const struct idmap *m, uint32_t id)
{
    return (size_t)(id * 0x9e3779b97f4a7c15ull >> 32) & (m->capacity - 1);
}

/* Where the record is, or the free place where it would go. */
static size_t place_of(const struct idmap *m, uint32_t id)
{
    size_t i = home(m, id);
    while (m->at[i] != NULL && *m->at[i] != id)
        i = (i + 1) & (m->capacity - 1);
    return i;
}

static int grow(struct idmap *m)
{
    uint32_t **old = m->at;
    size_t n = m->capacity;
    uint32_t **bigger = calloc(2 * n, sizeof(bigger[0]));
    if (bigger == NULL)
        return -1;
    m->at = bigger;
    m->capacity = 2 * n;
    for (size_t i = 0; i < n; i++)
        if (old[i] != NULL)
            m->at[place_of(m, *old[i])] = old[i];
    free(old);
    return 0;
}

void *idmap_find(struct idmap *m, uint32_t id)
{
    if (m->last != NULL && *m->last == id)
        return m->last;
    uint32_t *found = m->at[place_of(m, id)];
    if (found != NULL)
        m->last = found;
    return found;
}

void *idmap_get(struct idmap *m, uint32_t id)
{
    uint32_t *record = idmap_find(m, id);
    if (record != NULL)
        return record;
    if (2 * (m->count + 1) > m->capacity && grow(m) != 0)
        return NULL;
    record = m->spare;
    if (record != NULL) {
        memcpy(&m->spare, record, sizeof(m->spare));
        memset(record, 0, m->record_size);
    } else if ((record = calloc(1, m->record_size)) == NULL) {
        return NULL;
    }
    *record = id;
    m->at[place_of(m, id)] = record;
    m->count++;
    return m->last = record;
}

void idmap_remove(struct idmap *m, uint32_t id)
{
    size_t mask = m->capacity - 1, hole = place_of(m, id);
    if (m->at[hole] == NULL)
        return;
    if (m->last == m->at[hole])
        m->last = NULL;
    memcpy(m->at[hole], &m->spare, sizeof(m->spare));
    m->spare = m->at[hole];
    m->at[hole] = NULL;
    m->count--;
    for (size_t i = (hole + 1) & mask; m->at[i] != NULL; i = (i + 1) & mask) {
        /* It may move into the hole if its home is not behind the hole. */
        if (((i - home(m, *m->at[i])) & mask) >= ((i - hole) & mask)) {
            m->at[hole] = m->at[i];
            m->at[i] = NULL;
            hole = i;
        }
    }
}

size_t idmap_count(const struct idmap *m) { return m->count; }

void idmap_each(struct idmap *m, void (*visit)(void *arg, void *record), void *arg)
{
    for (size_t i = 0; i < m->capacity; i++)
        if (m->at[i] != NULL)
            visit(arg, m->at[i]);
}

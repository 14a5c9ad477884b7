/* calls.h - what the calls of long_calls are made with: long_calls.c runs them. */
#ifndef LONG_CALLS_H
#define LONG_CALLS_H

#include <stdbool.h>
#include <stddef.h>

#define PAGE 4096ul
#define MB   (1ul << 20)

/* What a call needs is made before GO().  The end of its process belongs to the call. */
struct call {
    const char *name;
    void (*make)(void);
};
#define CALL(name) \
    { \
#name, in_##name \
    }
/* Each ends with a name that is NULL. */
extern const struct call data_calls[], epoll_calls[], file_calls[], memory_calls[], signal_calls[],
    socket_calls[], task_calls[], ipc_calls[];

extern size_t big;     /* bytes of memory or of a file */
extern unsigned many;  /* things of a kind: files, mappings */
extern unsigned crowd; /* tasks */
extern bool again;     /* until killed */

void fail(const char *what);
#define NEED(c) ((c) ? (void)0 : fail(#c))

void go(void); /* says which call comes */
#define GO(...) \
    do { \
        go(); \
        do { \
            __VA_ARGS__; \
        } while (again); \
    } while (0)

/* things.c: things to call with. */
char *memory(size_t n, bool filled);
int file(size_t n);
int dev(const char *name, int flags);
char *mappings(unsigned n); /* that do not merge */
void descriptors(unsigned n);
void files_in(const char *dir, unsigned n);

/* Tasks that make a call again and again until they are killed, on no stack: clone's flags, the
 * call's number, and up to four arguments.  They are asleep in it on return. */
struct forever {
    long nr, a, b, c, d;
};
void tasks(unsigned n, unsigned long flags, struct forever call);
void children(unsigned n); /* that pause */
void threads(unsigned n);  /* that pause */

#endif

/* exec_internal.h - between exec_calls.c (what was asked for), exec.c (which
 * file, when), exec_cred.c (as whom), exec_load.c (its segments) and exec_stack.c (its arguments). */
#ifndef PROC_EXEC_INTERNAL_H
#define PROC_EXEC_INTERNAL_H

#include "mm/mm.h"
#include "proc/elf.h"
#include "sched/task.h"

/* exec.c */
struct target {     /* what the caller wants to run */
    int dfd;        /* path is relative to this directory, */
    uint32_t flags; /*   or with AT_EMPTY_PATH is it */
    const char *path;
    const char *name; /* what the program, or a script's interpreter, is told */
    bool fd_closes;   /* and that name will be gone by then */
};
struct vectors { /* of user or kernel */
    uaddr_t argv, envp;
    const char *const *kargv, *const *kenvp;
};
/* 0: current->uregs hold the program's start; or -errno. */
long exec(const struct target *target, const struct vectors *v);

/* exec_stack.c - strings are collected into frames, from low to high addresses;
 * they will end at the stack's top.  Pointers and auxv go below them. */
#define STACK_PAGES 1024 /* 4 MiB, with one heap object as the list */
struct exec_stack {
    pfn_t *pages; /* of the strings */
    unsigned npages;
    size_t used, limit; /* bytes; the limit is for these strings and */
    size_t pointers;    /*   for the pointers to them that the caller has */
    unsigned argc, envc;
    size_t arg_end, env_end, execfn, random, platform; /* offsets in the strings */
};
struct auxv {
    uint64_t type, value;
};
#define AUXV_MAX 24

int stack_init(struct exec_stack *s, uint64_t rlimit);
void stack_free(struct exec_stack *s);
int stack_add(struct exec_stack *s, const char *text); /* 0, -E2BIG, -ENOMEM */
bool stack_too_big(const struct exec_stack *s);        /* once all is there */
/* The strings of a NULL-terminated user vector from element `skip` on; at 0: none.
 * Count or -EFAULT, -E2BIG, -ENOMEM. */
long stack_add_user(struct exec_stack *s, uaddr_t at, unsigned skip);
long stack_add_kernel(struct exec_stack *s, const char *const *v, unsigned skip);
/* Completes the image and maps it so that it ends at top; *sp: where RSP starts. */
int stack_map(struct exec_stack *s, struct mm *mm, uaddr_t top, bool exec, struct auxv *auxv,
              unsigned nauxv, uaddr_t *sp);

/* exec_cred.c */
/* What current's credentials become by the file.  *secure: AT_SECURE.  0, -EPERM or what reading the
 * file's capabilities gave. */
int exec_new_cred(struct file *file, struct cred *c, bool *secure);

/* exec_load.c */
int read_image(struct file *f, const char *head, size_t n, struct elf_image *img);
/* Maps the segments; *bias is what to add to the image's addresses. */
int map_image(struct mm *mm, struct file *f, const struct elf_image *img, uaddr_t base,
              uaddr_t *bias);

#endif

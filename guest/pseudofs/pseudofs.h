/* pseudofs.h - file systems whose files are texts that the kernel makes: /proc and /sys.
 *
 * A tree of static tables: each entry has a name, a mode and what makes its
 * content.  Directories may have members that are numbered (processes, open files,
 * CPUs); they say which numbers there are and what entry stands behind one.  A node
 * is an entry with two numbers that say what it is about; nothing else is kept,
 * so what is gone is held by no open file: a node is never a pointer to what it is about. */
#ifndef PSEUDOFS_PSEUDOFS_H
#define PSEUDOFS_PSEUDOFS_H

#include "fs/inode.h"
#include "fs/path.h"
#include "pseudofs/text.h"

struct file;
struct mm;
struct task;
struct uio;

struct pfs_node {
    const struct pfs_entry *entry;
    union {
        uint32_t nr;  /* a directory's child has its directory's, unless it is numbered itself */
        uint32_t tid; /* procfs: the task; 0: about none */
    };
    union {
        int32_t sub; /* the same, one floor below */
        int32_t fd;
    };
    bool whole;        /* procfs: of the process, not of the one thread */
    uint64_t born;     /* procfs: the task's start_ns, as its number may be another's later */
    uint64_t from, to; /* procfs: the mapping that a link of map_files is about */
    const void *space; /* [k] of the whole instance: procfs's PID namespace, which it holds */
};

/* Where a link leads: to the very object, also when it has no name any more. */
struct pfs_goal {
    struct file *file; /* with a reference, or NULL: path, with references */
    struct path path;
    bool guarded; /* to be followed only with CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE */
};

/* A number that root may set, of 8 or 4 bytes. */
struct pfs_tunable {
    void *word;
    uint64_t min, max;
    uint32_t bytes;
};

#define PFS_NAME_MAX 32u

/* Members "PREFIX<number>" of a directory. */
struct pfs_numbered {
    const char *prefix;
    /* Or, prefix NULL: their name is another one. */
    void (*name)(uint32_t nr, char name[PFS_NAME_MAX]);
    /* What stands behind a number: 0, -ENOENT.  child is the directory's node. */
    int (*number)(const struct pfs_node *dir, uint32_t nr, struct pfs_node *child);
    /* Numbers from `from` on, ascending; how many. */
    unsigned (*numbers)(const struct pfs_node *dir, uint32_t from, uint32_t *out, unsigned room);
};

/* Members that have names of another form. */
struct pfs_named {
    /* 0, -ENOENT, -EACCES.  child is the directory's node. */
    int (*find)(const struct pfs_node *dir, const char *name, size_t len, struct pfs_node *child);
    /* The first one from *place on, and what is behind its place; false: there is none. */
    bool (*next)(const struct pfs_node *dir, uint64_t *place, char name[PFS_NAME_MAX],
                 struct pfs_node *child);
};

enum pfs_kind {
    PFS_IS_TEXT,  /* a constant */
    PFS_IS_SHOWN, /* show() makes the text */
    PFS_IS_BYTES, /* no text: bytes at a position */
    PFS_IS_DIR,
    PFS_IS_LINK, /* a symlink with a text */
    PFS_IS_GOAL, /* a symlink that leads to an object */
    PFS_KINDS,   /* from here on the file system's own: make_text() and store_line() know them */
};

#define PFS_SETS_NR  1u /* the node of this entry has `value` as its nr */
#define PFS_IS_NAMED 2u /* a directory: `named`, not `numbered` */
#define PFS_OWN_FLAG 4u /* from here on the file system's own */

struct pfs_entry {
    const char *name; /* NULL: end of a table */
    uint16_t mode;
    uint8_t kind, flags;
    union {
        const char *text;
        int (*show)(struct text *t, const struct pfs_node *n); /* 0 or -errno */
        void (*show_task)(struct text *t, struct task *task);  /* procfs */
        void (*show_mm)(struct text *t, struct mm *mm);        /* procfs */
        /* Move bytes at *pos, and *pos. */
        long (*read)(const struct pfs_node *n, struct uio *u, uint64_t *pos);
        const struct pfs_entry *children;
        /* There is room for all of it; the length. */
        long (*readlink)(const struct pfs_node *n, char *buf, size_t room);
        int (*goal)(const struct pfs_node *n, struct pfs_goal *to); /* 0 or -errno */
    };
    union { /* or NULL */
        /* What one write(2) wrote, NUL-terminated, without the newline: 0 or -errno. */
        int (*store)(const struct pfs_node *n, char *line);
        int (*store_task)(struct task *task, char *line); /* procfs */
        long (*write)(const struct pfs_node *n, struct uio *u, uint64_t *pos);
        const struct pfs_numbered *numbered;
        const struct pfs_named *named;
    };
    union {
        uint64_t value;                    /* for show(), store() and readlink() */
        const struct pfs_tunable *tunable; /* for show_tunable() and store_tunable() */
        const char *to;                    /* for link_to() */
    };
};
/* clang-format off */
#define PFS_ENTRY(n, m, k, ...) { .name = n, .mode = m, .kind = k, __VA_ARGS__ }
#define PFS_TEXT(n, m, t)       PFS_ENTRY(n, S_IFREG | (m), PFS_IS_TEXT, .text = t)
#define PFS_FILE(n, m, fn, ...) PFS_ENTRY(n, S_IFREG | (m), PFS_IS_SHOWN, .show = fn, __VA_ARGS__)
#define PFS_NUMBER(n, m, v)     PFS_FILE(n, m, show_value, .value = v)
#define PFS_TUNABLE(n, var, lo, hi) \
    PFS_FILE(n, 0644, show_tunable, .store = store_tunable, \
             .tunable = &(const struct pfs_tunable){ &(var), lo, hi, sizeof(var) })
#define PFS_DIR(n, m, ...)      PFS_ENTRY(n, S_IFDIR | (m), PFS_IS_DIR, __VA_ARGS__)
#define PFS_NUMBERED(prefix, number, numbers) \
    .numbered = &(const struct pfs_numbered){ prefix, NULL, number, numbers }
#define PFS_NAMED(name, number, numbers) \
    .numbered = &(const struct pfs_numbered){ NULL, name, number, numbers }
#define PFS_LINK(n, fn, ...)    PFS_ENTRY(n, S_IFLNK | 0777, PFS_IS_LINK, .readlink = fn, __VA_ARGS__)
#define PFS_SYMLINK(n, target)  PFS_LINK(n, link_to, .to = target)
#define PFS_GOAL(n, m, fn)      PFS_ENTRY(n, S_IFLNK | (m), PFS_IS_GOAL, .goal = fn)
#define PFS_END                 { .name = NULL }
/* clang-format on */

/* A file system of that form: the one instance of it, or one of several. */
struct pseudofs {
    struct superblock
        sb; /* [fs_tree] first: it is freed by it.  sb.root NULL: nobody has asked for it */
    const char *type;
    uint32_t magic;
    const struct pfs_entry *top;
    /* May current open it, find something in it, or use what is open?  flags: open(2)'s.  0 or -errno. */
    int (*may)(const struct pfs_node *n, uint32_t flags, bool opening);
    void (*set_owner)(struct inode *in, const struct pfs_node *n); /* or NULL: root */
    uint32_t file_bytes;                                           /* st_size of a file */
    bool names_closed;                                             /* superblock's */
    bool counts_links; /* st_nlink of a directory tells its subdirectories */
    int (*make_text)(struct text *t, const struct pfs_node *n); /* of kinds of its own; or NULL */
    int (*store_line)(const struct pfs_node *n, char *line);    /* the same */
    long (*ioctl)(const struct pfs_node *n, uint32_t cmd, uaddr_t arg); /* or NULL */
    void (*ended)(const void *space); /* of an instance that is not the first */
};
int pseudofs_get(struct pseudofs *fs, struct superblock **out); /* tree held: 0, -ENOMEM */
/* Another one that is about `space`, whose reference is taken over unless it fails. */
int pseudofs_new(const struct pseudofs *like, const void *space, struct superblock **out);

/* value.c - contents that many have */
int show_value(struct text *t, const struct pfs_node *n);       /* entry->value, a line */
long link_to(const struct pfs_node *n, char *buf, size_t room); /* entry->to, '#' being n->nr */
int show_tunable(struct text *t, const struct pfs_node *n);
int store_tunable(const struct pfs_node *n, char *line);
/* A decimal number at *at, which moves behind it: false if there is none, or it is too large. */
bool pfs_parse(const char **at, uint64_t *value);
/* All of the line is a number.  base: 10, or 0 for C's notation (0x hexadecimal, 0 octal).  0, -EINVAL,
 * -ERANGE if it is more than max. */
int pfs_number(const char *line, unsigned base, uint64_t max, uint64_t *value);

/* The same in C's notation, and blanks may be around it: false if it is none. */
bool pfs_setting(const char *line, uint64_t *value);

/* goal.c */
long goal_name(const struct pfs_goal *g, char *buf, size_t room); /* as readlink(2) gives it */
int goal_follow(const struct pfs_goal *g, struct path *out);      /* fs_tree held */
void goal_put(struct pfs_goal *g);

#endif

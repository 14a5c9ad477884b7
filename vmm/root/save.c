/* save.c - see save.h.
 *
 * The guest's files are read out of its memory when all vCPUs have stopped (guestfs_mem.h), so nothing depends on what its
 * tasks would still do: a VM that hangs, was stopped or died is read like one that powered off.  What is found
 * goes down a pipe, as records (keep.h). */
#include "vmm/root/save.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/root/guestfs_find.h"
#include "vmm/root/guestfs_xattr.h"
#include "vmm/root/keep.h"
#include "vmm/root/tool.h"
#include "vmm/say.h"
#include "vmm/vm.h"

extern char **environ;

#define CHUNK (256u << 10)

/* --- the process that writes ------------------------------------------------------------- */

static char **make_words(const struct options *opt, char *tool)
{
    char **word = calloc(5 + 3 * (size_t)opt->nout, sizeof(*word));
    unsigned n = 0;
    if (word == NULL)
        return NULL;
    word[n++] = tool;
    word[n++] = (char *)"--keep";
    if (opt->save != NULL) {
        word[n++] = (char *)"tar";
        word[n++] = (char *)opt->save;
    }
    for (unsigned i = 0; i < opt->nout; i++) {
        word[n++] = (char *)"out";
        word[n++] = (char *)opt->out[i].guest;
        word[n++] = (char *)opt->out[i].host;
    }
    return word;
}

static int spawn_tool(char **word, int in, int answer)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    pid_t child;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, in, KEEP_FD_IN);
    posix_spawn_file_actions_adddup2(&actions, answer, KEEP_FD_ANSWER);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    int err = posix_spawn(&child, word[0], &actions, &attr, word, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return err;
}

/* The next byte that it says; 0: it has ended. */
static char answer(const struct save *s)
{
    char c = 0;
    ssize_t n;
    while ((n = read(s->answer, &c, 1)) < 0 && errno == EINTR)
        ;
    return n == 1 ? c : 0;
}

/* A pipe whose ends have numbers above those that the child gets. */
static bool make_pipe(int fd[2])
{
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        fd[i] = fcntl(low[i], F_DUPFD_CLOEXEC, KEEP_FD_ANSWER + 1);
        close(low[i]);
    }
    return fd[0] >= 0 && fd[1] >= 0;
}

bool save_open(struct save *s, const struct options *opt)
{
    char tool[4096 + 32];
    int down[2], up[2];
    s->to = s->answer = -1;
    if (opt->save == NULL && opt->nout == 0)
        return true;
    const char *what = opt->save != NULL ? "--save" : "--out";
    if (!root_tool_path(tool, sizeof(tool))) {
        say("%s: vmm-root, which writes files, is neither beside vmm nor in ../lib/forkscope",
            what);
        return false;
    }
    char **word = make_words(opt, tool);
    if (word == NULL || !make_pipe(down) || !make_pipe(up)) {
        say("%s: %s", what, strerror(errno));
        free(word);
        return false;
    }
    int err = spawn_tool(word, down[0], up[1]);
    free(word);
    close(down[0]);
    close(up[1]);
    s->to = down[1];
    s->answer = up[0];
    if (err != 0)
        say("%s: %s: %s", what, tool, strerror(err));
    return err == 0 && answer(s) == KEEP_GOOD; /* it has said why */
}

/* --- records ----------------------------------------------------------------------------- */

struct known { /* a file with several names */
    enum guest_kind kind;
    uint64_t at;
    char *path;
};

struct saving {
    const struct save *s;
    struct guestfs fs;
    bool cut;       /* nobody reads any more */
    uint64_t large; /* files that are too large */
    struct known *known;
    size_t nknown, known_room; /* a power of two; at most half full */
    uint64_t end;              /* of what was met of a file */
    bool has_holes;
    uint8_t chunk[CHUNK];
};

static bool send_all(struct saving *v, const void *at, size_t n)
{
    while (n > 0 && !v->cut) {
        ssize_t done = write(v->s->to, at, n);
        if (done < 0 && errno != EINTR)
            v->cut = true;
        if (done > 0) {
            at = (const char *)at + done;
            n -= (size_t)done;
        }
    }
    return !v->cut;
}

static bool record(struct saving *v, enum keep_what what, const void *a, size_t na, const void *b,
                   size_t nb)
{
    struct keep_head h = { what, (uint32_t)(na + nb) };
    return send_all(v, &h, sizeof(h)) && send_all(v, a, na) && send_all(v, b, nb);
}

/* --- files with several names ------------------------------------------------------------ */

static struct known *known_at(const struct saving *v, const struct guest_file *f)
{
    uint64_t h = (f->at * 0x9e3779b97f4a7c15u) ^ f->kind;
    for (h ^= h >> 29;; h++) {
        struct known *k = &v->known[h & (v->known_room - 1)];
        if (k->path == NULL || (k->kind == f->kind && k->at == f->at))
            return k;
    }
}

static bool more_known(struct saving *v)
{
    struct known *old = v->known;
    size_t n = v->known_room;
    if (n > 0 && v->nknown * 2 < n)
        return true;
    v->known = calloc(n > 0 ? n * 2 : 256, sizeof(*v->known));
    if (v->known == NULL) {
        v->known = old;
        return false;
    }
    v->known_room = n > 0 ? n * 2 : 256;
    for (size_t i = 0; i < n; i++) {
        struct guest_file f = { .kind = old[i].kind, .at = old[i].at };
        if (old[i].path != NULL)
            *known_at(v, &f) = old[i];
    }
    free(old);
    return true;
}

static void forget_known(struct saving *v)
{
    for (size_t i = 0; i < v->known_room; i++)
        free(v->known[i].path);
    free(v->known);
    v->known = NULL;
    v->nknown = v->known_room = 0;
}

/* The path under which the file came before, or NULL, and now it is known. */
static const char *seen_before(struct saving *v, const struct guest_file *f, const char *path)
{
    if (f->nlink < 2 || S_ISDIR(f->mode) || !more_known(v))
        return NULL;
    struct known *k = known_at(v, f);
    if (k->path != NULL)
        return k->path;
    *k = (struct known){ f->kind, f->at, strdup(path) };
    v->nknown += k->path != NULL;
    return NULL;
}

/* --- contents ---------------------------------------------------------------------------- */

static bool look_for_holes(void *arg, uint64_t offset, const uint8_t *at, uint64_t bytes)
{
    struct saving *v = arg;
    (void)at;
    v->has_holes |= offset != v->end;
    v->end = offset + bytes;
    return true;
}

static bool send_extent(void *arg, uint64_t offset, const uint8_t *at, uint64_t bytes)
{
    uint64_t range[2] = { offset, bytes };
    (void)at;
    return record(arg, KEEP_EXTENT, range, sizeof(range), NULL, 0);
}

/* Copied first: a page that the host's file has lost is mended for a load, not for write(2). */
static bool send_data(void *arg, uint64_t offset, const uint8_t *at, uint64_t bytes)
{
    struct saving *v = arg;
    memcpy(v->chunk, at, bytes);
    return record(v, KEEP_DATA, &offset, sizeof(offset), v->chunk, bytes);
}

/* The file is read up to three times; what is refused the first time is only counted then. */
static bool send_contents(struct saving *v, const struct guest_file *f, bool sparse)
{
    uint64_t damaged = v->fs.damaged, pages = v->fs.pages_left, nodes = v->fs.nodes_left;
    if (sparse && !guestfs_read(&v->fs, f, send_extent, v))
        return false;
    v->fs.damaged = damaged;
    v->fs.pages_left = pages;
    v->fs.nodes_left = nodes;
    return guestfs_read(&v->fs, f, send_data, v);
}

static bool has_holes(struct saving *v, const struct guest_file *f)
{
    uint64_t damaged = v->fs.damaged, pages = v->fs.pages_left, nodes = v->fs.nodes_left;
    v->end = 0;
    v->has_holes = false;
    guestfs_read(&v->fs, f, look_for_holes, v);
    v->fs.damaged = damaged;
    v->fs.pages_left = pages;
    v->fs.nodes_left = nodes;
    return v->has_holes || v->end < f->size;
}

static bool send_xattr(void *arg, const char *name, const uint8_t *value, uint32_t bytes)
{
    return record(arg, KEEP_XATTR, name, strlen(name) + 1, value, bytes);
}

static bool send_entry(void *arg, const char *path, const struct guest_file *f)
{
    struct saving *v = arg;
    char text[4096];
    bool regular = S_ISREG(f->mode);
    struct keep_entry e = { .mode = f->mode,
                            .uid = f->uid,
                            .gid = f->gid,
                            .rdev = f->rdev,
                            .size = regular ? f->size : 0,
                            .mtime = f->mtime,
                            .mtime_ns = f->mtime_ns };
    if (S_ISLNK(f->mode) && !guestfs_link(&v->fs, f, text))
        return true;
    if (regular && f->size > KEEP_FILE_MAX) {
        v->large++;
        return true;
    }
    const char *first = seen_before(v, f, path);
    if (first != NULL)
        e.more = KEEP_HARD_LINK;
    else if (regular && has_holes(v, f))
        e.more = KEEP_SPARSE;
    const char *link = first != NULL ? first : S_ISLNK(f->mode) ? text : NULL;
    return record(v, KEEP_ENTRY, &e, sizeof(e), path, strlen(path)) &&
           (link == NULL || record(v, KEEP_LINK, link, strlen(link), NULL, 0)) &&
           (first != NULL || guestfs_xattrs(&v->fs, f, send_xattr, v)) &&
           (first != NULL || !regular || send_contents(v, f, e.more == KEEP_SPARSE)) &&
           record(v, KEEP_END, NULL, 0, NULL, 0);
}

/* --- targets ----------------------------------------------------------------------------- */

static bool send_target(struct saving *v, const struct vm *vm, uint32_t number, const char *what,
                        const char *path)
{
    struct guest_file top;
    const char *why = "the guest's kernel has not come as far as its files";
    v->large = 0;
    bool ok = guestfs_open(&v->fs, vm->mem, atomic_load(&vm->inspect)) &&
              guestfs_find(&v->fs, path, &top, &why);
    if (!ok)
        say("%s: %s", what, why);
    record(v, KEEP_BEGIN, &number, sizeof(number), NULL, 0);
    if (ok && !guestfs_walk(&v->fs, &top, send_entry, v) && !v->cut) {
        say("%s: out of memory", what);
        ok = false;
    }
    forget_known(v);
    record(v, ok ? KEEP_WHOLE : KEEP_TORN, NULL, 0, NULL, 0);
    if (v->fs.damaged + v->fs.deep + v->large > 0)
        say("%s: left out: %llu names or pages that are damaged in the guest's memory, %llu that "
            "lie too deep, "
            "%llu files larger than 64 GiB",
            what, (unsigned long long)v->fs.damaged, (unsigned long long)v->fs.deep,
            (unsigned long long)v->large);
    return ok && v->fs.damaged + v->fs.deep + v->large == 0;
}

static bool send_targets(struct saving *v, const struct vm *vm)
{
    const struct options *opt = vm->opt;
    uint32_t number = 0;
    bool ok = true;
    char what[256];
    if (opt->save != NULL)
        ok = send_target(v, vm, number++, "--save", "/");
    for (unsigned i = 0; i < opt->nout && !v->cut; i++) {
        snprintf(what, sizeof(what), "--out %.200s", opt->out[i].guest);
        ok = send_target(v, vm, number++, what, opt->out[i].guest) && ok;
    }
    return ok;
}

bool save_run(struct save *s, const struct vm *vm)
{
    bool ok = false;
    if (s->to < 0)
        return true;
    struct saving *v = calloc(1, sizeof(*v));
    if (v != NULL) {
        v->s = s;
        ok = send_targets(v, vm);
    }
    free(v);
    close(s->to);
    return answer(s) == KEEP_GOOD && ok; /* it has said what was wrong on its side */
}

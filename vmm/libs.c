/* libs.c - see libs.h.
 *
 * The order of ld.so(8): DT_RPATH of the object and of those that needed it
 * (only when the object has no DT_RUNPATH), DT_RUNPATH of the object, the
 * cache, the default directories.  musl's loader has no cache: it reads its
 * list of directories from /etc/ld-musl-x86_64.path, and is libc.so itself.
 *
 * What the guest has already goes before what the host has, at each step: a tree's programs
 * run with the tree's libraries, and its loader's cache is asked before the host's.
 *
 * A work list of objects: each is read once, and its needs are appended.
 * Left out: LD_LIBRARY_PATH (the guest's environment is not ours), $PLATFORM
 * and the glibc-hwcaps directories. */
#include "vmm/libs.h"

#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/ldcache.h"
#include "vmm/say.h"

#define OBJECTS_MAX 512
#define NEEDED_MAX  256
#define MUSL_PATH   "/etc/ld-musl-x86_64.path"

static const char *const default_dirs[] = { "/lib/x86_64-linux-gnu",
                                            "/usr/lib/x86_64-linux-gnu",
                                            "/lib64",
                                            "/usr/lib64",
                                            "/lib",
                                            "/usr/lib",
                                            NULL };
static const char *const musl_dirs[] = { "/lib", "/usr/local/lib", "/usr/lib", NULL };

struct object {
    char *host, *guest, *name; /* name: as it was needed; host: "" if only --root's tree has it */
    char *rpath, *runpath;     /* or NULL */
    int parent;                /* who needed it; -1: the program */
};

struct search {
    struct object object[OBJECTS_MAX];
    unsigned n;
    bool musl;
    const struct there *there;
    enum libs_want want;
    struct ldcache *cache, *its_cache; /* the host's, the guest's; opened at the first need */
    bool its_cache_open;
};

struct dynamic {
    char interp[PATH_MAX]; /* "": none */
    char *needed[NEEDED_MAX];
    unsigned nneeded;
    char *rpath, *runpath;
};

static void free_dynamic(struct dynamic *d)
{
    for (unsigned i = 0; i < d->nneeded; i++)
        free(d->needed[i]);
    free(d->rpath);
    free(d->runpath);
}

static char *string_at(Elf *elf, size_t section, uint64_t offset)
{
    const char *s = elf_strptr(elf, section, offset);
    return s != NULL && *s != '\0' && strlen(s) < PATH_MAX ? strdup(s) : NULL;
}

static void read_interp(Elf *elf, const GElf_Phdr *ph, struct dynamic *d)
{
    if (ph->p_filesz == 0 || ph->p_filesz > sizeof(d->interp))
        return;
    Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)ph->p_offset, ph->p_filesz, ELF_T_BYTE);
    if (data == NULL || ((char *)data->d_buf)[ph->p_filesz - 1] != '\0')
        return;
    snprintf(d->interp, sizeof(d->interp), "%s", (char *)data->d_buf);
}

static void read_dynamic(Elf *elf, struct dynamic *d)
{
    Elf_Scn *section = NULL;
    GElf_Shdr sh;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        if (gelf_getshdr(section, &sh) == NULL || sh.sh_type != SHT_DYNAMIC)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        GElf_Dyn dyn;
        for (int i = 0; data != NULL && gelf_getdyn(data, i, &dyn) != NULL; i++) {
            if (dyn.d_tag == DT_NULL)
                break;
            char **to = dyn.d_tag == DT_RPATH                               ? &d->rpath
                        : dyn.d_tag == DT_RUNPATH                           ? &d->runpath
                        : dyn.d_tag == DT_NEEDED && d->nneeded < NEEDED_MAX ? &d->needed[d->nneeded]
                                                                            : NULL;
            if (to == NULL || *to != NULL)
                continue;
            *to = string_at(elf, sh.sh_link, dyn.d_un.d_val);
            if (dyn.d_tag == DT_NEEDED && *to != NULL)
                d->nneeded++;
        }
    }
}

/* False when the file is not an x86-64 ELF file. */
static bool read_object(const char *host, struct dynamic *d)
{
    GElf_Ehdr eh;
    size_t n = 0;
    *d = (struct dynamic){ .nneeded = 0 };
    int fd = open(host, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
    bool ok = elf != NULL && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &eh) != NULL &&
              eh.e_machine == EM_X86_64 && eh.e_ident[EI_CLASS] == ELFCLASS64 &&
              elf_getphdrnum(elf, &n) == 0;
    for (size_t i = 0; ok && i < n; i++) {
        GElf_Phdr ph;
        if (gelf_getphdr(elf, (int)i, &ph) != NULL && ph.p_type == PT_INTERP)
            read_interp(elf, &ph, d);
    }
    if (ok)
        read_dynamic(elf, d);
    elf_end(elf);
    close(fd);
    return ok;
}

bool libs_is_dynamic(const char *host)
{
    struct dynamic d;
    bool ok = read_object(host, &d) && d.interp[0] != '\0';
    free_dynamic(&d);
    return ok;
}

/* The right class and machine: what makes the loader go on looking otherwise. */
static bool is_library(const char *host)
{
    struct dynamic d;
    bool ok = read_object(host, &d);
    free_dynamic(&d);
    return ok;
}

/* One directory of a search path, with $ORIGIN for the one side's object. */
static bool expand(char *out, const char *dir, size_t len, const char *object)
{
    static const char *const tokens[] = { "$ORIGIN", "${ORIGIN}" };
    const char *slash = strrchr(object, '/');
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t token = 0;
        for (size_t t = 0; t < 2; t++)
            if (strlen(tokens[t]) <= len - i && memcmp(dir + i, tokens[t], strlen(tokens[t])) == 0)
                token = strlen(tokens[t]);
        const char *from = token != 0 ? object : dir + i;
        size_t n = token != 0 ? (slash != NULL ? (size_t)(slash - object) : 0) : 1;
        if (used + n + 1 >= PATH_MAX)
            return false;
        memcpy(out + used, from, n);
        used += n;
        i += token != 0 ? token : 1;
    }
    out[used] = '\0';
    return used > 0;
}

struct place {
    char host[2 * PATH_MAX], guest[2 * PATH_MAX];
    bool there; /* the guest has it, and nothing needs to be brought */
};

/* Has the guest a library at this path? */
static bool try_there(const struct search *s, const char *guest, struct place *p)
{
    struct there_found f;
    if (s->there == NULL || !there_find(s->there, guest, THERE_FOLLOW, &f) ||
        f.kind != THERE_OTHER || (f.host != NULL && !is_library(f.host)))
        return false;
    snprintf(p->host, sizeof(p->host), "%s", f.host != NULL ? f.host : "");
    snprintf(p->guest, sizeof(p->guest), "%s", f.path);
    p->there = true;
    return true;
}

static bool try_there_dirs(const struct search *s, const char *const *dirs, const char *name,
                           struct place *p)
{
    char guest[2 * PATH_MAX];
    for (; *dirs != NULL; dirs++) {
        snprintf(guest, sizeof(guest), "%s/%s", *dirs, name);
        if (try_there(s, guest, p))
            return true;
    }
    return false;
}

/* The cache of a tree's own loader, where --add brings one. */
static bool try_there_cache(struct search *s, const char *name, struct place *p)
{
    struct there_found f;
    if (!s->its_cache_open && s->there != NULL &&
        there_find(s->there, LDCACHE_PATH, THERE_FOLLOW, &f) && f.host != NULL)
        s->its_cache = ldcache_open(f.host);
    s->its_cache_open = true;
    const char *guest = ldcache_find(s->its_cache, name);
    return guest != NULL && try_there(s, guest, p);
}

/* Tries each directory of a colon-separated path of object o. */
static bool try_path(const struct search *search, const char *path, const struct object *o,
                     const char *name, struct place *p)
{
    char dir[PATH_MAX], guest[2 * PATH_MAX];
    for (const char *s = path; s != NULL;) {
        const char *colon = strchr(s, ':');
        size_t len = colon != NULL ? (size_t)(colon - s) : strlen(s);
        if (expand(dir, s, len, o->guest)) {
            snprintf(guest, sizeof(guest), "%s/%s", dir, name);
            if (try_there(search, guest, p))
                return true;
        }
        if (expand(dir, s, len, o->host)) {
            snprintf(p->host, sizeof(p->host), "%s/%s", dir, name);
            if (expand(dir, s, len, o->guest) && is_library(p->host)) {
                snprintf(p->guest, sizeof(p->guest), "%s/%s", dir, name);
                return true;
            }
        }
        s = colon != NULL ? colon + 1 : NULL;
    }
    return false;
}

static bool try_dirs(const char *const *dirs, const char *name, struct place *p)
{
    for (; *dirs != NULL; dirs++) {
        snprintf(p->host, sizeof(p->host), "%s/%s", *dirs, name);
        if (is_library(p->host)) {
            memcpy(p->guest, p->host, sizeof(p->guest));
            return true;
        }
    }
    return false;
}

static bool in_default_dir(const char *host)
{
    const char *slash = strrchr(host, '/');
    for (const char *const *d = default_dirs; *d != NULL; d++)
        if (slash != NULL && strlen(*d) == (size_t)(slash - host) &&
            memcmp(*d, host, strlen(*d)) == 0)
            return true;
    return false;
}

static bool try_cache(struct search *s, const char *name, struct place *p)
{
    if (s->cache == NULL)
        s->cache = ldcache_open(LDCACHE_PATH);
    const char *host = ldcache_find(s->cache, name);
    if (host == NULL || !is_library(host))
        return false;
    snprintf(p->host, sizeof(p->host), "%s", host);
    if (in_default_dir(host))
        snprintf(p->guest, sizeof(p->guest), "%s", host);
    else
        snprintf(p->guest, sizeof(p->guest), "/lib/%s", name);
    return true;
}

static bool try_musl(const struct search *s, const char *name, struct place *p)
{
    char line[PATH_MAX];
    bool ok = false;
    if (try_there_dirs(s, musl_dirs, name, p))
        return true;
    FILE *f = fopen(MUSL_PATH, "re");
    if (f == NULL)
        return try_dirs(musl_dirs, name, p);
    while (!ok && fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        struct object root = { .host = line, .guest = line }; /* no $ORIGIN in there */
        ok = try_path(s, line, &root, name, p);
    }
    fclose(f);
    if (ok) /* the guest has no such list: where musl looks by itself */
        snprintf(p->guest, sizeof(p->guest), "/lib/%s", name);
    return ok;
}

static bool locate(struct search *s, unsigned who, const char *name, struct place *p)
{
    const struct object *o = &s->object[who];
    p->there = false;
    if (strchr(name, '/') != NULL) {
        if (try_there(s, name, p))
            return true;
        snprintf(p->host, sizeof(p->host), "%s", name);
        snprintf(p->guest, sizeof(p->guest), "%s", name);
        return is_library(name);
    }
    if (o->runpath == NULL)
        for (int i = (int)who; i >= 0; i = s->object[i].parent)
            if (s->object[i].rpath != NULL && s->object[i].runpath == NULL &&
                try_path(s, s->object[i].rpath, &s->object[i], name, p))
                return true;
    if (o->runpath != NULL && try_path(s, o->runpath, o, name, p))
        return true;
    if (s->musl)
        return try_musl(s, name, p);
    if (try_there_cache(s, name, p) || try_there_dirs(s, default_dirs, name, p))
        return true;
    return try_cache(s, name, p) || try_dirs(default_dirs, name, p);
}

static bool append(struct search *s, const char *name, const char *host, const char *guest,
                   int parent)
{
    if (s->n == OBJECTS_MAX)
        return false;
    struct object *o = &s->object[s->n];
    *o = (struct object){ .host = strdup(host), .name = strdup(name), .parent = parent };
    /* What is named without a leading slash is looked for from the working directory,
     * which is / in the guest when init starts. */
    if (asprintf(&o->guest, "%s%s", guest[0] == '/' ? "" : "/", guest) < 0)
        o->guest = NULL;
    s->n++;
    return o->host != NULL && o->guest != NULL && o->name != NULL;
}

static bool known(const struct search *s, const char *name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (strcmp(s->object[i].name, name) == 0)
            return true;
    return s->musl && strcmp(name, "libc.so") == 0;
}

static bool add_object(struct search *s, const char *name, const struct place *p, unsigned who,
                       libs_found *found, void *ctx)
{
    return append(s, name, p->host, p->guest, (int)who) &&
           (p->there || found(ctx, s->object[s->n - 1].host, s->object[s->n - 1].guest));
}

static bool add_loader(struct search *s, const char *interp, libs_found *found, void *ctx)
{
    const char *base = strrchr(interp, '/');
    base = base != NULL ? base + 1 : interp;
    s->musl = strncmp(base, "ld-musl", 7) == 0;
    struct place p = { .there = false };
    if (!try_there(s, interp, &p)) {
        snprintf(p.host, sizeof(p.host), "%s", interp);
        snprintf(p.guest, sizeof(p.guest), "%s", interp);
    }
    return add_object(s, base, &p, 0, found, ctx);
}

static bool walk_object(struct search *s, unsigned who, libs_found *found, void *ctx)
{
    struct dynamic d;
    if (*s->object[who].host == '\0')
        return true; /* what it needs is the tree's matter */
    bool ok = read_object(s->object[who].host, &d);
    if (ok && who == 0 && d.interp[0] != '\0')
        ok = add_loader(s, d.interp, found, ctx);
    s->object[who].rpath = d.rpath;
    s->object[who].runpath = d.runpath;
    d.rpath = d.runpath = NULL;
    for (unsigned i = 0; ok && i < d.nneeded; i++) {
        struct place p;
        if (known(s, d.needed[i]))
            continue;
        if (!locate(s, who, d.needed[i], &p)) {
            say("%s: cannot find %s%s", s->object[who].host, d.needed[i],
                s->want == LIBS_ALL ? " on this host; is its package installed?"
                                    : ", and goes without; is its package installed?");
            ok = s->want == LIBS_THOSE_FOUND;
        } else {
            ok = add_object(s, d.needed[i], &p, who, found, ctx);
        }
    }
    free_dynamic(&d);
    return ok;
}

bool libs_walk(const char *host, const char *guest, const struct there *there, enum libs_want want,
               libs_found *found, void *ctx)
{
    struct search *s = calloc(1, sizeof(*s));
    bool ok = s != NULL && append(s, "", host, guest, -1);
    if (s != NULL) {
        s->there = there;
        s->want = want;
    }
    for (unsigned i = 0; ok && i < s->n; i++)
        ok = walk_object(s, i, found, ctx);
    for (unsigned i = 0; s != NULL && i < s->n; i++) {
        struct object *o = &s->object[i];
        free(o->host);
        free(o->guest);
        free(o->name);
        free(o->rpath);
        free(o->runpath);
    }
    if (s != NULL) {
        ldcache_close(s->cache);
        ldcache_close(s->its_cache);
    }
    free(s);
    return ok;
}

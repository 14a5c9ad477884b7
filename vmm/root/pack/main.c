/* main.c - vmm-root: makes a root image file (vmm/root/file.h) of an archive.
 *
 *     vmm-root SOURCE[:TAG]            the image's file in the cache, made if it is not there; its
 *                                      name goes to stdout
 *     vmm-root --to-fd N SOURCE[:TAG]  writes it to descriptor N
 *     vmm-root --keep ...              writes what the guest has in its files: keep/main.c
 *
 * SOURCE is a tar, compressed or not, an OCI image layout, or what `docker save` wrote.  A program of
 * its own: what an archive can do to a decoder it does here, where all files are open and mapped
 * before the sandbox closes and the first byte is looked at; and vmm starts without the libraries. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/options.h"
#include "vmm/privilege.h"
#include "vmm/root/file.h"
#include "vmm/root/keep/run.h"
#include "vmm/root/pack/pack.h"
#include "vmm/sandbox.h"

#define BLOBS_MAX 512

void refuse(const struct pack *p, const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    for (char *at = text; *at != '\0'; at++) /* an archive's bytes go to a terminal */
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    fprintf(stderr, "vmm: --root %s: %s\n", p->source, text);
    exit(EXIT_VMM);
}

void write_all(const struct pack *p, const void *at, size_t n)
{
    while (n > 0) {
        ssize_t done = write(p->out, at, n);
        if (done < 0 && errno != EINTR)
            refuse(p, "cannot write the image: %s", strerror(errno));
        if (done > 0) {
            at = (const char *)at + done;
            n -= (size_t)done;
        }
    }
}

void add_run(struct pack *p, char letter, const char *value)
{
    size_t n = strlen(value) + 2;
    char *more = p->run_bytes + n <= ROOT_RUN_MAX ? realloc(p->run, p->run_bytes + n) : NULL;
    if (more == NULL)
        refuse(p, "its environment and command have more than 60 KiB");
    p->run = more;
    p->run[p->run_bytes] = letter;
    memcpy(p->run + p->run_bytes + 1, value, n - 1);
    p->run_bytes += n;
}

/* --- what is open before anything is looked at ------------------------------------------ */

static bool map_file(int dirfd, const char *name, struct blob *b)
{
    struct stat st;
    int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
    if (ok) {
        void *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        ok = at != MAP_FAILED;
        *b = (struct blob){ at, (size_t)st.st_size };
    }
    close(fd);
    return ok;
}

static void open_blobs(const struct pack *p, int dirfd, struct layout *l)
{
    int fd = openat(dirfd, "blobs/sha256", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    l->blob = calloc(BLOBS_MAX, sizeof(*l->blob));
    if (d == NULL || l->blob == NULL)
        refuse(p, "blobs/sha256: %s", strerror(errno));
    while ((e = readdir(d)) != NULL) {
        if (strlen(e->d_name) != 64)
            continue;
        if (l->n == BLOBS_MAX)
            refuse(p, "has more than %u blobs", BLOBS_MAX);
        struct layout_blob *b = &l->blob[l->n];
        strcpy(b->name, e->d_name);
        if (map_file(fd, e->d_name, &b->is))
            l->n++;
    }
    closedir(d);
}

/* --- the image --------------------------------------------------------------------------- */

static void pad(struct pack *p, uint64_t n)
{
    static const uint8_t zeros[ROOT_FILE_PAGE];
    if (n % ROOT_FILE_PAGE != 0)
        write_all(p, zeros, ROOT_FILE_PAGE - n % ROOT_FILE_PAGE);
}

static void finish(struct pack *p)
{
    size_t n = root_tree_index_bytes(p->tree);
    uint8_t *index = n != 0 ? malloc(n) : NULL;
    struct root_file_end end = { .magic = ROOT_FILE_MAGIC,
                                 .version = ROOT_FILE_VERSION,
                                 .index_at = p->data,
                                 .run_bytes = (uint32_t)p->run_bytes };
    if (index == NULL || lseek(p->out, (off_t)p->data, SEEK_SET) < 0)
        refuse(p, "out of memory");
    root_tree_index_write(p->tree, p->data / ROOT_FILE_PAGE, index);
    write_all(p, index, n);
    pad(p, n);
    end.run_at = p->data + ((n + ROOT_FILE_PAGE - 1) & ~(size_t)(ROOT_FILE_PAGE - 1));
    write_all(p, p->run, p->run_bytes);
    pad(p, p->run_bytes);
    write_all(p, &end, sizeof(end));
    pad(p, sizeof(end));
}

static void close_sandbox(void)
{
    struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    if (!privilege_drop() || !sandbox_enter(SANDBOX_TOOL))
        _exit(EXIT_VMM);
}

static void pack(struct pack *p, struct layout *l, struct blob file, const char *tag)
{
    struct blob manifest;
    p->tree = root_tree_new();
    if (p->tree == NULL)
        refuse(p, "out of memory");
    if (file.at == NULL) {
        pack_layout(p, l, tag);
    } else if (tar_is_plain(file) && tar_member(file, "manifest.json", &manifest)) {
        l->tar = file;
        pack_docker(p, l, manifest, tag);
    } else {
        if (tag != NULL)
            refuse(p, "is no image, so there is no %s in it", tag);
        pack_tar(p, file, false);
    }
    finish(p);
    if (p->acls > 0)
        fprintf(stderr, "vmm: --root %s: %u ACLs are left out, and with them what only they gave\n",
                p->source, p->acls);
}

struct source {
    struct stat st;
    struct layout layout;
    struct blob file;
    const char *tag;
};

/* SOURCE, or SOURCE:TAG when there is no such file. */
static void open_source(struct pack *p, char *name, struct source *s)
{
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *colon = strrchr(name, ':');
    if (fd < 0 && errno == ENOENT && colon != NULL && strchr(colon, '/') == NULL) {
        *colon = '\0';
        s->tag = colon + 1;
        fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0 || fstat(fd, &s->st) != 0)
        refuse(p, "%s", strerror(errno));
    if (S_ISDIR(s->st.st_mode)) {
        if (!map_file(fd, "index.json", &s->layout.index))
            refuse(p, "index.json: %s", strerror(errno));
        open_blobs(p, fd, &s->layout);
    } else if (!S_ISREG(s->st.st_mode) || s->st.st_size == 0) {
        refuse(p, "is neither a directory nor a file with something in it");
    } else {
        void *at = mmap(NULL, (size_t)s->st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (at == MAP_FAILED)
            refuse(p, "%s", strerror(errno));
        s->file = (struct blob){ at, (size_t)s->st.st_size };
    }
    close(fd);
}

/* In a child, which is in the sandbox then: this process has to give the file its name.  What is
 * wrong the child has said. */
static void pack_in_child(struct pack *p, struct source *s)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close_sandbox();
        pack(p, &s->layout, s->file, s->tag);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        refuse(p, "%s", strerror(errno));
    if (WIFSIGNALED(status))
        refuse(p, "the process that reads it was killed by signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        exit(WEXITSTATUS(status));
}

static void into_cache(struct pack *p, struct source *s)
{
    char dir[4000], path[4100];
    cache_dir(p, dir, sizeof(dir));
    cache_path(&s->st, s->layout.index, s->tag, dir, path, sizeof(path));
    if (!cache_has(path)) {
        p->out = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600); /* no name before it is whole */
        if (p->out < 0)
            refuse(p, "cache %s: %s; try --no-cache", dir, strerror(errno));
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "vmm: --root %s: unpacked, once, into %s\n", p->source, dir);
        pack_in_child(p, s);
        if (!cache_add(p->out, dir, path))
            refuse(p, "cache %s: %s; try --no-cache", path, strerror(errno));
    }
    puts(path);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--keep") == 0)
        return keep_main(argv + 2);
    bool to_fd = argc == 4 && strcmp(argv[1], "--to-fd") == 0;
    if (argc != 2 && !to_fd) {
        fputs("usage: vmm-root [--to-fd N] SOURCE[:TAG]\n", stderr);
        return EXIT_VMM;
    }
    static struct pack p;
    p.source = strdup(argv[argc - 1]);
    p.out = to_fd ? atoi(argv[2]) : -1;
    struct source s = { .tag = NULL };
    if (to_fd) /* what stays open later, as what is inherited does not */
        fcntl(p.out, F_SETFD, FD_CLOEXEC);
    setlocale(LC_CTYPE, "C.UTF-8"); /* names in tars are UTF-8 */
    open_source(&p, argv[argc - 1], &s);
    if (to_fd)
        pack_in_child(&p, &s);
    else
        into_cache(&p, &s);
    return fflush(stdout) == 0 ? 0 : EXIT_VMM;
}

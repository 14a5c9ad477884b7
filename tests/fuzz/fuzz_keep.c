/* links: vmm/root/keep/run.c vmm/root/keep/tar.c vmm/root/keep/out.c vmm/root/keep/target.c vmm/root/xattrs.c */
/* libs: -larchive */
/* What `vmm-root --keep` makes of records that a guest's files, or a vmm that has been taken over, decide: beside the
 * directory nothing changes; in it are the targets' own names, of those that are whole, and no other; what was
 * brought out is files, directories and symlinks without setuid; a tar can be read to its end. */
#include "fuzz.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <ftw.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "vmm/root/keep/keep.h"
#include "vmm/root/keep/run.h"

#define TARGETS  3u
#define FILE_MAX (1u << 20) /* a full disk, for who writes more */

static char top[40] = "/dev/shm/forkscope-fuzz-XXXXXX"; /* or in /tmp */
static int top_fd = -1, in_fd = -1;

/* --- the place --------------------------------------------------------------------------- */

static unsigned closed_dirs;
static int open_up(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)ftw;
    closed_dirs += kind == FTW_DNR;
    return kind == FTW_DNR ? chmod(path, 0700) : 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind;
    return ftw->level > 0 ? remove(path) : 0;
}

static void empty(const char *dir)
{
    do
        closed_dirs = 0;
    while (nftw(dir, open_up, 64, FTW_PHYS) == 0 && closed_dirs > 0);
    MUST(nftw(dir, remove_one, 64, FTW_PHYS | FTW_DEPTH) == 0);
}

static void leave(void)
{
    empty(top);
    rmdir(top);
}

static void make_place(void)
{
    if (mkdtemp(top) == NULL)
        strcpy(top, "/tmp/forkscope-fuzz-XXXXXX");
    MUST((access(top, F_OK) == 0 || mkdtemp(top) != NULL) &&
         (top_fd = open(top, O_RDONLY | O_DIRECTORY)) >= 0);
    MUST(mkdirat(top_fd, "in", 0700) == 0 && symlinkat("never", top_fd, "canary") == 0);
    MUST((in_fd = openat(top_fd, "in", O_RDONLY | O_DIRECTORY)) >= 0);
    atexit(leave);
    signal(SIGXFSZ, SIG_IGN);
}

/* --- records ----------------------------------------------------------------------------- */

static const char *const part[] = {
    "a", "b", "c", "a/b", "..", ".", "", "../canary", "/tmp", "a/"
};

static size_t take_path(struct input *in, char *to)
{
    size_t n = 0;
    for (unsigned left = take_number(in, 1) % 4; left > 0; left--)
        n += (size_t)sprintf(to + n, "%s%s", n > 0 ? "/" : "",
                             part[take_number(in, 1) % (sizeof(part) / sizeof(part[0]))]);
    return n;
}

static size_t take_entry(struct input *in, uint8_t *to)
{
    static const uint32_t kind[] = { S_IFREG, S_IFREG, S_IFDIR, S_IFDIR,
                                     S_IFLNK, S_IFIFO, S_IFCHR, 0 };
    uint8_t kinds = (uint8_t)take_number(in, 1);
    struct keep_entry e = { .more = kinds >> 6 };
    e.mode = kind[kinds % 8] | (uint32_t)(take_number(in, 2) & 07777);
    e.uid = (uint32_t)take_number(in, 2);
    e.size = take_number(in, kinds & 32 ? 8 : 2);
    e.mtime = (int64_t)take_number(in, kinds & 32 ? 8 : 4);
    memcpy(to, &e, sizeof(e));
    return sizeof(e) + take_path(in, (char *)to + sizeof(e));
}

static size_t take_body(struct input *in, uint32_t what, uint8_t *to)
{
    uint64_t range[2] = { 0, 0 };
    size_t n;
    switch (what) {
    case KEEP_BEGIN:
        range[0] = take_number(in, 1) % (TARGETS + 1);
        memcpy(to, range, 4);
        return 4;
    case KEEP_ENTRY: return take_entry(in, to);
    case KEEP_LINK: return take_path(in, (char *)to);
    case KEEP_XATTR: take(in, to, 12); return 12;
    case KEEP_EXTENT:
        range[0] = take_number(in, 2);
        range[1] = take_number(in, 2);
        memcpy(to, range, 16);
        return 16;
    case KEEP_DATA:
        range[0] = take_number(in, 2);
        n = take_number(in, 1) * 16;
        memcpy(to, range, 8);
        memset(to + 8, 'x', n);
        return n + 8;
    }
    return 0;
}

/* The input as the pipe: its bytes as they are, or records that it names. */
static int stream_of(struct input *in, bool raw)
{
    static int fd = -1;
    static uint8_t all[1u << 20];
    uint8_t body[8192];
    size_t n = 0;
    if (fd < 0)
        fd = memfd_create("keep", MFD_CLOEXEC);
    while (!raw && in->left > 0 && n + sizeof(body) + 8 < sizeof(all)) {
        struct keep_head h = { .what = (uint32_t)take_number(in, 1) % (KEEP_TORN + 2) };
        h.bytes = (uint32_t)take_body(in, h.what, body);
        memcpy(all + n, &h, sizeof(h));
        memcpy(all + n + sizeof(h), body, h.bytes);
        n += sizeof(h) + h.bytes;
    }
    MUST(fd >= 0 && ftruncate(fd, 0) == 0);
    if (raw)
        MUST(pwrite(fd, in->at, in->left, 0) == (ssize_t)in->left);
    else
        MUST(pwrite(fd, all, n, 0) == (ssize_t)n);
    MUST(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* --- what is left ------------------------------------------------------------------------ */

static int check_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)path, (void)kind, (void)ftw;
    MUST(S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) || S_ISLNK(st->st_mode));
    MUST(S_ISLNK(st->st_mode) || (st->st_mode & 07000) == 0);
    return 0;
}

static void check_tar(const char *name)
{
    static char buf[65536];
    struct archive *a = archive_read_new();
    struct archive_entry *e;
    int ret, fd = openat(in_fd, name, O_RDONLY);
    MUST(fd >= 0 && a != NULL && archive_read_support_format_tar(a) == ARCHIVE_OK);
    MUST(archive_read_support_format_empty(a) == ARCHIVE_OK);
    MUST(archive_read_open_fd(a, fd, sizeof(buf)) == ARCHIVE_OK);
    while ((ret = archive_read_next_header(a, &e)) >= ARCHIVE_WARN && ret != ARCHIVE_EOF)
        while (archive_read_data(a, buf, sizeof(buf)) > 0)
            ;
    MUST(ret == ARCHIVE_EOF);
    archive_read_free(a);
    close(fd);
}

/* True: all of them are there. */
static bool check_names(const struct target *t, unsigned n)
{
    unsigned there = 0;
    DIR *d = fdopendir(openat(in_fd, ".", O_RDONLY | O_DIRECTORY));
    MUST(d != NULL);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        unsigned i = 0;
        if (e->d_name[0] == '.' && (e->d_name[1] == '\0' || strcmp(e->d_name, "..") == 0))
            continue;
        while (i < n && strcmp(e->d_name, t[i].base) != 0)
            i++;
        MUST(i < n);
        there++;
        if (t[i].is_tar)
            check_tar(e->d_name);
    }
    closedir(d);
    return there == n;
}

static void check_beside(void)
{
    char text[16];
    struct stat st;
    MUST(fstatat(top_fd, "canary", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode));
    MUST(readlinkat(top_fd, "canary", text, sizeof(text)) == 5 && st.st_nlink == 1);
    MUST(fstat(top_fd, &st) == 0 && st.st_nlink == 3);
    MUST(faccessat(top_fd, "never", F_OK, 0) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const name[TARGETS] = { "zero", "one", "two" };
    struct target t[TARGETS];
    struct rlimit was, small;
    FILE *says = stderr;
    char in_dir[sizeof(top) + 8];
    if (size < 2)
        return 0;
    if (top_fd < 0)
        make_place();
    snprintf(in_dir, sizeof(in_dir), "%s/in", top);
    struct input in = { data + 1, size - 1 };
    unsigned n = 1 + (data[0] >> 1 & 3) % TARGETS;
    int fd = stream_of(&in, data[0] & 1);
    stderr = nowhere(); /* what it says of each failure */
    MUST(getrlimit(RLIMIT_FSIZE, &was) == 0);
    small = was;
    small.rlim_cur = FILE_MAX;
    setrlimit(RLIMIT_FSIZE, &small);
    for (unsigned i = 0; i < n; i++) {
        t[i] = (struct target){ .what = name[i], .fd = -1, .tree = -1, .dir = in_fd };
        t[i].is_tar = data[0] >> (4 + i) & 1;
        strcpy(t[i].base, name[i]);
        if (t[i].is_tar)
            MUST(tar_begin(&t[i]));
    }
    bool ok = keep_run(fd, t, n);
    setrlimit(RLIMIT_FSIZE, &was);
    stderr = says;
    MUST(check_names(t, n) || !ok);
    check_beside();
    MUST(nftw(in_dir, check_one, 64, FTW_PHYS) == 0);
    for (unsigned i = 0; i < n; i++)
        if (t[i].tree >= 0)
            close(t[i].tree);
    empty(in_dir);
    return 0;
}

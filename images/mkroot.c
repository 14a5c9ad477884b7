/* mkroot.c - packs a root image: `mkroot -o OUT [-l LIST]... [DIR]...`
 *
 * A LIST has one entry a line, in the form of Linux's gen_init_cpio; a DIR is
 * packed as it is.  All go into one archive (cpio.h) in the order given, and a
 * later entry replaces an earlier one of the same name, as for Linux.
 *
 *     dir   NAME MODE UID GID
 *     file  NAME HOSTFILE MODE UID GID
 *     slink NAME TARGET MODE UID GID
 *     nod   NAME MODE UID GID c|b MAJOR MINOR
 *     pipe  NAME MODE UID GID
 *
 * Modes are octal.  Empty lines and lines that begin with # are left out.  No
 * name may hold white space in a LIST; in a DIR any name may.  If
 * SOURCE_DATE_EPOCH is set no entry is younger, so that an image can be built
 * twice with the same bytes. */
#include "images/cpio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define MAX_FIELDS 8

static time_t newest; /* entries without a file of their own have this date */

static void die(const char *what, const char *name, int err)
{
    fprintf(stderr, "mkroot: %s%s%s%s%s\n", what, *name ? ": " : "", name, err ? ": " : "",
            err ? strerror(err) : "");
    exit(1);
}

static void add(struct cpio *c, const char *name, const struct stat *st, const void *data,
                size_t len)
{
    struct stat dated = *st;

    if (dated.st_mtime > newest)
        dated.st_mtime = newest;
    int err = cpio_entry(c, name, &dated, data, len);
    if (err != 0)
        die("cannot write entry", name, -err);
}

/* Packs the contents of host file `path`; mode and owner come from st. */
static void add_file(struct cpio *c, const char *name, const char *path, struct stat *st)
{
    struct stat now;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &now) != 0)
        die("cannot open", path, errno);
    if (!S_ISREG(now.st_mode))
        die("not a regular file", path, 0);
    st->st_mtime = now.st_mtime;
    void *data = NULL;
    if (now.st_size > 0) {
        data = mmap(NULL, now.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
            die("cannot read", path, errno);
    }
    add(c, name, st, data, now.st_size);
    if (data != NULL)
        munmap(data, now.st_size);
    close(fd);
}

static void add_link(struct cpio *c, const char *name, const char *path, const struct stat *st)
{
    char target[PATH_MAX];
    ssize_t len = readlink(path, target, sizeof(target));

    if (len < 0)
        die("cannot read link", path, errno);
    add(c, name, st, target, len);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* the same in every locale */
}

static int not_dots(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* name: in the image, "" for the root itself. */
static void add_tree(struct cpio *c, const char *name, const char *path)
{
    struct dirent **entries;
    int count = scandir(path, &entries, not_dots, by_name);

    if (count < 0)
        die("cannot read directory", path, errno);
    for (int i = 0; i < count; i++) {
        char *sub_name = NULL, *sub_path = NULL;
        struct stat st;
        if (asprintf(&sub_name, "%s%s%s", name, *name ? "/" : "", entries[i]->d_name) < 0 ||
            asprintf(&sub_path, "%s/%s", path, entries[i]->d_name) < 0)
            die("out of memory", "", 0);
        if (lstat(sub_path, &st) != 0)
            die("cannot stat", sub_path, errno);
        if (S_ISREG(st.st_mode))
            add_file(c, sub_name, sub_path, &st);
        else if (S_ISLNK(st.st_mode))
            add_link(c, sub_name, sub_path, &st);
        else
            add(c, sub_name, &st, NULL, 0);
        if (S_ISDIR(st.st_mode))
            add_tree(c, sub_name, sub_path);
        free(sub_name);
        free(sub_path);
        free(entries[i]);
    }
    free(entries);
}

static unsigned number(const char *text, int base)
{
    char *end;
    unsigned long value = strtoul(text, &end, base);

    if (end == text || *end != '\0' || value > UINT_MAX)
        die("not a number", text, 0);
    return value;
}

static void set_owner(struct stat *st, mode_t type, char **mode_uid_gid)
{
    *st = (struct stat){
        .st_mode = type | (number(mode_uid_gid[0], 8) & 07777),
        .st_uid = number(mode_uid_gid[1], 10),
        .st_gid = number(mode_uid_gid[2], 10),
        .st_mtime = newest,
    };
}

static bool add_line(struct cpio *c, char **field, int count)
{
    struct stat st;
    const char *name = count > 1 ? field[1] : "";

    if (strcmp(field[0], "dir") == 0 && count == 5) {
        set_owner(&st, S_IFDIR, field + 2);
        add(c, name, &st, NULL, 0);
    } else if (strcmp(field[0], "file") == 0 && count == 6) {
        set_owner(&st, S_IFREG, field + 3);
        add_file(c, name, field[2], &st);
    } else if (strcmp(field[0], "slink") == 0 && count == 6) {
        set_owner(&st, S_IFLNK, field + 3);
        add(c, name, &st, field[2], strlen(field[2]));
    } else if (strcmp(field[0], "pipe") == 0 && count == 5) {
        set_owner(&st, S_IFIFO, field + 2);
        add(c, name, &st, NULL, 0);
    } else if (strcmp(field[0], "nod") == 0 && count == 8 &&
               (strcmp(field[5], "c") == 0 || strcmp(field[5], "b") == 0)) {
        set_owner(&st, field[5][0] == 'c' ? S_IFCHR : S_IFBLK, field + 2);
        st.st_rdev = makedev(number(field[6], 10), number(field[7], 10));
        add(c, name, &st, NULL, 0);
    } else {
        return false;
    }
    return true;
}

static void add_list(struct cpio *c, const char *path)
{
    FILE *list = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;

    if (list == NULL)
        die("cannot open", path, errno);
    for (int number = 1; getline(&line, &size, list) > 0; number++) {
        char *field[MAX_FIELDS + 1], *rest = line, *word;
        int count = 0;
        while (count <= MAX_FIELDS && (word = strsep(&rest, " \t\n")) != NULL)
            if (*word != '\0')
                field[count++] = word;
        if (count == 0 || field[0][0] == '#')
            continue;
        if (!add_line(c, field, count)) {
            fprintf(stderr, "mkroot: %s:%d: not an entry\n", path, number);
            exit(1);
        }
    }
    free(line);
    fclose(list);
}

static void usage(void)
{
    fprintf(stderr, "usage: mkroot -o OUT [-l LIST]... [DIR]...\n");
    exit(2);
}

int main(int argc, char **argv)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    const char *out_name = NULL;
    int option, lists = 0;

    newest = epoch != NULL ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    while ((option = getopt(argc, argv, "o:l:")) != -1) {
        if (option == 'o')
            out_name = optarg;
        else if (option == 'l')
            lists++;
        else
            usage();
    }
    if (out_name == NULL || (lists == 0 && optind == argc))
        usage();

    FILE *out = fopen(out_name, "w");
    struct cpio *c = out != NULL ? cpio_open(out) : NULL;
    if (c == NULL)
        die("cannot write", out_name, errno);
    optind = 1; /* once more, now that the output is open */
    while ((option = getopt(argc, argv, "o:l:")) != -1)
        if (option == 'l')
            add_list(c, optarg);
    for (int i = optind; i < argc; i++)
        add_tree(c, "", argv[i]);
    int err = cpio_close(c);
    if (err == 0 && fclose(out) != 0)
        err = -errno;
    if (err != 0) {
        unlink(out_name);
        die("cannot write", out_name, -err);
    }
    return 0;
}

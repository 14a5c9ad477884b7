/* /proc/sys/fs/protected_*: in a sticky directory that others may write, what is neither one's own nor the directory
 * owner's is no way to somewhere; and who may give a file one more name.  In the guest with each value; elsewhere
 * with the one that is there, which decides what must happen. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

#define ME    1001
#define OTHER 1002

static long rule(const char *name, const char *set)
{
    char path[64];
    long now;

    snprintf(path, sizeof(path), "/proc/sys/fs/protected_%s", name);
    if (is_forkscope())
        CHECK(put_text(path, set) == (long)strlen(set));
    now = atol(slurp(path));
    if (is_forkscope())
        CHECK_EQ(now, atol(set));
    return now;
}

/* What opening it gives ME: 0 or errno. */
static int try_open(const char *name, int flags)
{
    return CHILD(CHECK(setresgid(ME, ME, ME) == 0 && setresuid(ME, ME, ME) == 0);
                 _exit(open(name, flags, 0666) < 0 ? errno : 0)) >>
           8;
}

static int try_link(const char *from)
{
    return CHILD(CHECK(setresgid(ME, ME, ME) == 0 && setresuid(ME, ME, ME) == 0);
                 _exit(link(from, "more") < 0 ? errno : 0)) >>
           8;
}

static void links(const char *set)
{
    long on = rule("symlinks", set);

    for (int mode = 0777; mode <= 01777; mode += 01000) {
        CHECK(chmod(".", mode) == 0);
        int no = on && mode == 01777 ? EACCES : 0;
        CHECK_EQ(try_open("by_other", O_RDONLY), no);
        CHECK_EQ(try_open("by_other", O_RDONLY | O_CREAT), no);
        CHECK_EQ(try_open("by_other/", O_RDONLY), no ? no : ENOTDIR);
        CHECK_EQ(try_open("by_me", O_RDONLY), 0);
        CHECK_EQ(try_open("by_owner", O_RDONLY), 0);
        CHECK_EQ(try_open("by_other", O_RDONLY | O_NOFOLLOW), ELOOP);
        CHECK_EQ(try_open("by_other", O_PATH | O_NOFOLLOW), 0);
        CHECK_EQ(try_open("dir_by_other/file", O_RDONLY), 0); /* it is not the last name */
        CHECK_EQ(try_open("dir_by_other", O_RDONLY), no);
        CHECK_EQ(try_open("to_by_other", O_RDONLY), no); /* the last of the link's text */
        CHECK(chmod(".", mode & ~2) == 0);
        CHECK_EQ(try_open("by_other", O_RDONLY), 0);
    }
}

static void files(const char *set)
{
    long regular = rule("regular", set), fifos = rule("fifos", set);

    for (int mode = 0777; mode <= 01777; mode += 01000) {
        CHECK(chmod(".", mode) == 0);
        CHECK_EQ(try_open("f_other", O_RDWR | O_CREAT), regular && mode == 01777 ? EACCES : 0);
        CHECK_EQ(try_open("f_other", O_RDWR), 0);
        CHECK_EQ(try_open("f_other", O_RDWR | O_CREAT | O_EXCL), EEXIST);
        CHECK_EQ(try_open("f_me", O_RDWR | O_CREAT), 0);
        CHECK_EQ(try_open("f_owner", O_RDWR | O_CREAT), 0);
        CHECK_EQ(try_open("p_other", O_RDWR | O_CREAT), fifos && mode == 01777 ? EACCES : 0);
        CHECK_EQ(try_open("p_other", O_RDWR), 0);
        /* kinds that no rule is about are never opened so */
        CHECK_EQ(try_open("s_other", O_RDWR | O_CREAT), mode == 01777 ? EACCES : ENXIO);
        CHECK_EQ(try_open("real_dir", O_RDWR | O_CREAT), EISDIR);
        CHECK(chmod(".", mode & ~2) == 0);
        CHECK_EQ(try_open("f_other", O_RDWR | O_CREAT), regular == 2 && mode == 01777 ? EACCES : 0);
        CHECK_EQ(try_open("p_other", O_RDWR | O_CREAT), fifos == 2 && mode == 01777 ? EACCES : 0);
        CHECK(chmod(".", mode & ~022) == 0);
        CHECK_EQ(try_open("f_other", O_RDWR | O_CREAT), 0);
    }
    /* root, too */
    CHECK(chmod(".", 01777) == 0);
    errno = 0;
    CHECK((open("f_other", O_RDWR | O_CREAT, 0666) < 0) == (regular > 0));
}

static void names(const char *set)
{
    long on = rule("hardlinks", set);

    CHECK(chmod(".", 0777) == 0);
    for (int mode = 0; mode <= 07777; mode += mode == 06666 ? 01111 : 0111) {
        int setgid = (mode & 02010) == 02010, safe = (mode & 6) == 6 && !(mode & 04000) && !setgid;
        CHECK(chmod("f_other", mode) == 0);
        CHECK_EQ(try_link("f_other"), on && !safe ? EPERM : 0);
        unlink("more");
    }
    CHECK(chmod("f_other", 06777) == 0);
    CHECK(link("f_other", "more") == 0 && unlink("more") == 0); /* CAP_FOWNER */
    CHECK_EQ(try_link("f_me"), 0);
    CHECK(unlink("more") == 0);
    CHECK_EQ(try_link("p_other"), on ? EPERM : 0);
    unlink("more");
    CHECK(chmod("f_other", 0666) == 0);
}

static void make(const char *name, int owner)
{
    write_file(name, "");
    CHECK(chmod(name, 0666) == 0 && chown(name, owner, owner) == 0);
}

static void test(void)
{
    char dir[] = "/tmp/protect.XXXXXX";
    struct sockaddr_un s = { .sun_family = AF_UNIX, .sun_path = "s_other" };

    if (geteuid() != 0) {
        SAY("# only root sees\n");
        return;
    }
    umask(0);
    CHECK(mkdtemp(dir) != NULL && chdir(dir) == 0 && chown(".", 1003, ME) == 0);
    make("f_me", ME);
    make("f_owner", 1003);
    make("f_other", OTHER);
    CHECK(mkfifo("p_other", 0666) == 0 && chown("p_other", OTHER, OTHER) == 0);
    CHECK(bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&s, sizeof(s)) == 0);
    CHECK(chmod("s_other", 0666) == 0 && chown("s_other", OTHER, OTHER) == 0);
    CHECK(mkdir("real_dir", 0777) == 0 && chown("real_dir", OTHER, OTHER) == 0);
    CHECK(symlink("f_me", "by_me") == 0 && lchown("by_me", ME, ME) == 0);
    CHECK(symlink("f_me", "by_owner") == 0 && lchown("by_owner", 1003, ME) == 0);
    CHECK(symlink("f_me", "by_other") == 0 && lchown("by_other", OTHER, OTHER) == 0);
    CHECK(symlink("real_dir", "dir_by_other") == 0 && lchown("dir_by_other", OTHER, OTHER) == 0);
    CHECK(symlink("./by_other", "to_by_other") == 0 && lchown("to_by_other", ME, ME) == 0);
    make("real_dir/file", ME);
    static const char *const set[] = { "1", "0", "2" };
    for (int i = 0; i < (is_forkscope() ? 3 : 1); i++) {
        links(i < 2 ? set[i] : "0");
        files(set[i]);
        names(i < 2 ? set[i] : "0");
    }
    if (is_forkscope()) {
        CHECK_ERR(EINVAL, put_text("/proc/sys/fs/protected_symlinks", "2"));
        CHECK_ERR(EINVAL, put_text("/proc/sys/fs/protected_regular", "3"));
        rule("fifos", "0");
        rule("regular", "0");
    }
    CHECK(chdir("/") == 0);
    static const char *const made[] = { "f_me",        "f_owner",      "f_other",      "p_other",
                                        "s_other",     "by_me",        "by_owner",     "by_other",
                                        "to_by_other", "dir_by_other", "real_dir/file" };
    char path[64];
    for (unsigned i = 0; i < sizeof(made) / sizeof(*made); i++) {
        snprintf(path, sizeof(path), "%s/%s", dir, made[i]);
        CHECK(unlink(path) == 0);
    }
    snprintf(path, sizeof(path), "%s/real_dir", dir);
    CHECK(rmdir(path) == 0 && rmdir(dir) == 0);
}

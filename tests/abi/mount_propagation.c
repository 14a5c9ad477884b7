/* Mounts that tell each other: shared ones, slaves and those that cannot be bound; what is mounted on and taken from
 * one appears and goes on the others, is put beneath what lies there, and stays where something is in it.  Namespaces
 * of mounts: copies that hear of the original or do not; a directory that is a mount point in another one only. */
#include "mounts.h"

static void join(void)
{
    DO(mount("A", "a", "tmpfs", 0, NULL));
    mkdir("a/x", 0755);
    mkdir("a/y", 0755);
    DO(mount(NULL, "a", NULL, MS_SHARED, NULL));
    DO(mount("a", "b", NULL, MS_BIND, NULL));
    DO(mount("a", "c", NULL, MS_BIND, NULL));
    DO(mount(NULL, "c", NULL, MS_SLAVE, NULL));
    DO(mount("c", "d", NULL, MS_BIND, NULL));
    show("two slaves");
    DO(mount(NULL, "d", NULL, MS_SHARED, NULL));
    DO(mount("d", "e", NULL, MS_BIND, NULL));
    show("shared slaves");
}

static void mounts(void)
{
    DO(mount("X", "a/x", "tmpfs", 0, NULL));
    show("on a/x");
    DO(mount("Y", "d/y", "tmpfs", 0, NULL));
    show("on d/y");
    DO(umount("b/x"));
    show("off b/x");
    DO(umount("c/y"));
    DO(umount("e/y"));
    DO(mount("a/x", "a/y", NULL, MS_BIND, NULL));
    show("bound inside");
    int fd = open("c/y", O_RDONLY);
    DO(umount("a/y"));
    close(fd);
    DO(umount("a/y"));
}

static void beneath(void)
{
    DO(mount("S", "c/x", "tmpfs", 0, NULL));
    DO(mount("X", "a/x", "tmpfs", 0, NULL));
    show("beneath");
    DO(umount("a/x"));
    show("no more");
    DO(umount("c/x"));
    DO(mount("X", "a/x", "tmpfs", 0, NULL));
    mkdir("a/x/zz", 0755);
    DO(mount("Z", "c/x/zz", "tmpfs", 0, NULL));
    DO(umount("a/x"));
    show("c/x has something");
    DO(umount("c/x/zz"));
    DO(umount("c/x"));
}

static void leave(void)
{
    DO(mount(NULL, "a", NULL, MS_PRIVATE, NULL));
    show("b is alone");
    DO(mount(NULL, "b", NULL, MS_PRIVATE, NULL));
    show("slaves of nobody");
    DO(mount(NULL, "a", NULL, MS_UNBINDABLE, NULL));
    DO(mount("a", "b", NULL, MS_BIND, NULL));
    DO(mount("a", "b", NULL, MS_BIND | MS_REC, NULL));
    mkdir("t", 0755);
    DO(mount(".", "t", NULL, MS_BIND | MS_REC, NULL));
    show("all but a");
    DO(umount2("t", MNT_DETACH));
    DO(mount(NULL, "a", NULL, MS_SHARED | MS_PRIVATE, NULL));
    DO(mount(NULL, "a/x", NULL, MS_SHARED, NULL));
    DO(mount(NULL, "a", NULL, MS_SHARED | MS_REC | MS_SILENT, NULL));
    DO(mount(NULL, "a", NULL, MS_SHARED | MS_NOEXEC, NULL));
    DO(umount("e") | umount("d") | umount("c") | umount("b") | umount("a"));
    show("nothing");
}

static void moves(void)
{
    DO(mount("A", "a", "tmpfs", 0, NULL));
    DO(mount(NULL, "a", NULL, MS_SHARED, NULL));
    mkdir("a/x", 0755);
    mkdir("a/y", 0755);
    DO(mount("X", "a/x", "tmpfs", 0, NULL));
    DO(mount("a/x", "b", NULL, MS_MOVE, NULL)); /* who else has it would not hear of it */
    DO(mount("B", "b", "tmpfs", 0, NULL));
    DO(mount(NULL, "b", NULL, MS_UNBINDABLE, NULL));
    DO(mount("b", "a/y", NULL, MS_MOVE, NULL));
    DO(mount(NULL, "b", NULL, MS_PRIVATE, NULL));
    DO(mount("a", "c", NULL, MS_BIND, NULL));
    DO(mount("b", "a/y", NULL, MS_MOVE, NULL));
    show("moved into shared ones");
    DO(umount2("a", MNT_DETACH));
    show("a is off");
    DO(umount2("c", MNT_DETACH));
}

static void itself(void)
{
    DO(mount(NULL, ".", NULL, MS_SHARED, NULL));
    DO(mount("T", "a", "tmpfs", 0, NULL));
    DO(mount(".", "b", NULL, MS_BIND | MS_REC, NULL));
    show("bound in itself");
    DO(umount2("b", MNT_DETACH));
    show("off");
}

static void others(void)
{
    int there[2], back[2];
    char c;

    CHECK(pipe(there) == 0 && pipe(back) == 0);
    pid_t pid = START({
        DO(unshare(CLONE_NEWNS));
        show("child");
        DO(mount(NULL, ".", NULL, MS_REC | MS_SLAVE, NULL));
        CHECK(write(there[1], "x", 1) == 1 && read(back[0], &c, 1) == 1);
        show("child hears");
        DO(mount("D", "d", "tmpfs", 0, NULL));
        CHECK(write(there[1], "x", 1) == 1 && read(back[0], &c, 1) == 1);
        show("child's directory is gone");
        DO(access("d", F_OK));
    });
    CHECK(read(there[0], &c, 1) == 1);
    DO(mount("C", "c", "tmpfs", 0, NULL));
    CHECK(write(back[1], "x", 1) == 1 && read(there[0], &c, 1) == 1);
    show("parent");
    DO(rmdir("c"));
    DO(rmdir("d"));
    CHECK(write(back[1], "x", 1) == 1);
    CHECK_EQ(status_of(pid), 0);
    DO(umount("c"));
}

/* Peers of a namespace that ends are not asked. */
static void ends(void)
{
    for (int i = 0; i < 20; i++)
        CHECK_EQ(
            CHILD(CHECK(unshare(CLONE_NEWNS) == 0); CHECK(mount("D", "e", "tmpfs", 0, NULL) == 0)),
            0);
    CHECK(umount2("e", MNT_DETACH) == 0);
    int n = 1;
    while (umount2("e", MNT_DETACH) == 0)
        n++;
    SAY("%d of them\n", n);
    show("end");
}

static void test(void)
{
    begin();
    join();
    mounts();
    beneath();
    leave();
    moves();
    itself();
    others();
    ends();
}

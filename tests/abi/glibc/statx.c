/* statx agrees with stat, and takes AT_EMPTY_PATH; on a tmpfs: birth, attributes, roots of mounts and their
 * numbers, and nothing about alignment. */
#include "check.h"
#include <sys/mount.h>
#include <sys/sysmacros.h>

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif
#define MNT_ID_UNIQUE 0x4000U /* Linux 6.8 */

static struct statx statx_of(int fd, const char *name, unsigned flags, unsigned mask)
{
    struct statx stx;

    memset(&stx, 0xee, sizeof stx);
    CHECK(statx(fd, name, flags, mask, &stx) == 0);
    return stx;
}

/* Bits of attributes that are told of: immutable, append, nodump; automount, root of a mount, DAX. */
#define OF_TMPFS 0x70
#define OF_ALL   0x203000

static void on_tmpfs(void)
{
    struct timespec begin, end;

    CHECK(mkdir("mnt", 0700) == 0 && mount("none", "mnt", "tmpfs", 0, NULL) == 0);
    clock_gettime(CLOCK_REALTIME_COARSE, &begin);
    write_file("mnt/f", "12345");
    clock_gettime(CLOCK_REALTIME, &end);
    int fd = open("mnt/f", O_RDWR);
    CHECK(chmod("mnt/f", 0640) == 0 && write(fd, "abc", 3) == 3);
    struct statx stx = statx_of(AT_FDCWD, "mnt/f", 0, STATX_BTIME | STATX_BASIC_STATS);
    CHECK((stx.stx_mask & 0xffff) == (STATX_BTIME | STATX_BASIC_STATS | STATX_MNT_ID));
    CHECK(stx.stx_btime.tv_sec >= begin.tv_sec && stx.stx_btime.tv_sec <= end.tv_sec);
    CHECK(stx.stx_btime.tv_sec > begin.tv_sec || stx.stx_btime.tv_nsec >= begin.tv_nsec);
    CHECK_EQ(stx.stx_attributes, 0);
    CHECK_EQ(stx.stx_attributes_mask, OF_TMPFS | OF_ALL);
    struct timespec long_ago[2] = { { 1000, 0 }, { 1000, 0 } };
    CHECK(futimens(fd, long_ago) == 0);
    struct statx again = statx_of(fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME);
    CHECK(memcmp(&again.stx_btime, &stx.stx_btime, sizeof stx.stx_btime) == 0);
    CHECK_EQ(again.stx_mtime.tv_sec, 1000);
    CHECK_EQ(again.stx_mnt_id, stx.stx_mnt_id);
    stx = statx_of(AT_FDCWD, "mnt/f", 0, STATX_DIOALIGN);
    CHECK_EQ(stx.stx_mask & (STATX_DIOALIGN | STATX_BTIME), 0);
    CHECK_EQ(stx.stx_btime.tv_sec, 0);

    stx = statx_of(AT_FDCWD, "mnt", 0, 0);
    CHECK_EQ(stx.stx_attributes, STATX_ATTR_MOUNT_ROOT);
    CHECK(stx.stx_mask & STATX_MNT_ID && stx.stx_mnt_id == again.stx_mnt_id);
    CHECK(statx_of(AT_FDCWD, ".", 0, 0).stx_mnt_id != stx.stx_mnt_id);
    CHECK_EQ(statx_of(AT_FDCWD, "file", 0, 0).stx_attributes & STATX_ATTR_MOUNT_ROOT, 0);
    CHECK_EQ(statx_of(AT_FDCWD, "/proc", 0, 0).stx_attributes_mask, OF_ALL);
    CHECK_EQ(statx_of(AT_FDCWD, "/proc/self/stat", 0, STATX_BTIME).stx_mask & STATX_BTIME, 0);
    stx = statx_of(AT_FDCWD, "mnt", 0, MNT_ID_UNIQUE | STATX_MNT_ID);
    if (stx.stx_mask & MNT_ID_UNIQUE) {
        CHECK_EQ(stx.stx_mask & STATX_MNT_ID, 0);
        CHECK(stx.stx_mnt_id >= 1ull << 31);
    } else {
        SAY("this Linux is older than 6.8: no STATX_MNT_ID_UNIQUE\n");
    }
    close(fd);
    CHECK(umount("mnt") == 0);
}

static void test(void)
{
    struct stat st;
    struct statx stx, same;

    write_file("file", "12345");
    CHECK(stat("file", &st) == 0);
    CHECK(statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, &stx) == 0);
    CHECK((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK(stx.stx_ino == st.st_ino && stx.stx_size == 5 && stx.stx_mode == st.st_mode);
    CHECK(stx.stx_nlink == 1 && stx.stx_uid == st.st_uid && stx.stx_mtime.tv_sec == st.st_mtime);
    CHECK(stx.stx_mtime.tv_nsec == st.st_mtim.tv_nsec);
    CHECK(stx.stx_dev_major == major(st.st_dev) && stx.stx_dev_minor == minor(st.st_dev));
    int fd = open("file", O_RDONLY);
    CHECK(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &same) == 0);
    CHECK(same.stx_ino == stx.stx_ino);
    CHECK_ERR(ENOENT, statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &stx));
    CHECK_ERR(ENOENT, statx(fd, "", 0, STATX_BASIC_STATS, &stx));
    on_tmpfs();
    CHECK_ERR(EINVAL, statx(AT_FDCWD, "file", 0, STATX__RESERVED, &stx));
    CHECK_ERR(EINVAL, statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, STATX_BTIME, &stx));
    CHECK_ERR(EFAULT, statx(AT_FDCWD, "file", 0, STATX_BASIC_STATS, (struct statx *)8));
}

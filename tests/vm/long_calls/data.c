/* data.c - much data in one call: files, devices, pipes, the terminal. */
#include "tests/vm/long_calls/calls.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <unistd.h>

#ifndef FALLOC_FL_ZERO_RANGE
#define FALLOC_FL_ZERO_RANGE 16
#endif

static void in_zero(void)
{
    char *b = memory(big, false);
    int f = dev("/dev/zero", O_RDONLY);
    GO(read(f, b, big));
}
static void in_urandom(void)
{
    char *b = memory(big / 16, false);
    int f = dev("/dev/urandom", O_RDONLY);
    GO(read(f, b, big / 16));
}
static void in_getrandom(void)
{
    char *b = memory(big / 16, false);
    GO(syscall(SYS_getrandom, b, big / 16, 0));
}
static void in_write(void)
{
    char *b = memory(big, true);
    int f = file(0);
    GO(pwrite(f, b, big, 0));
}
static void in_read(void)
{
    int f = file(big);
    char *b = memory(big, true);
    GO(pread(f, b, big, 0));
}
static void in_read_holes(void)
{
    int f = file(0);
    char *b = memory(big, true);
    NEED(ftruncate(f, (off_t)big) == 0);
    GO(pread(f, b, big, 0));
}
static void in_sendfile(void)
{
    int f = file(big), to = open("/tmp/long2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t at;
    GO(at = 0; lseek(to, 0, SEEK_SET); sendfile(to, f, &at, big));
}
static void in_copy_file_range(void)
{
    int f = file(big), to = open("/tmp/long2", O_RDWR | O_CREAT | O_TRUNC, 0600);
    off_t a, b;
    GO(a = b = 0; copy_file_range(f, &a, to, &b, big, 0));
}
static void in_tty(void)
{
    char *b = memory(MB / 4, true);
    memset(b, '\n', MB / 4);
    int f = dev("/dev/console", O_RDWR);
    GO(write(f, b, MB / 4));
}
static void in_kmsg(void) /* the log is full of short records */
{
    char *b = memory(MB / 4, true);
    int f = dev("/dev/kmsg", O_WRONLY);
    for (int i = 0; i < 2000; i++)
        (void)!write(f, "<7>x", 4);
    GO(syscall(SYS_syslog, 3, b, MB / 4); syscall(SYS_syslog, 3, b, 100));
}
static void in_writev(void)
{
    static struct iovec v[1024];
    char *b = memory(big / 4, true);
    int f = file(0);
    for (unsigned i = 0; i < 1024; i++)
        v[i] = (struct iovec){ b, big / 4 };
    for (unsigned i = 0; i < 1024; i += 2)
        v[i].iov_len = 0;
    GO(pwritev(f, v, 1024, 0));
}
static void in_writev_null(void)
{
    static struct iovec v[1024];
    int f = dev("/dev/null", O_WRONLY);
    for (unsigned i = 0; i < 1024; i++)
        v[i] = (struct iovec){ v, sizeof(v) };
    GO(writev(f, v, 1024));
}
static void *drains(void *arg)
{
    static char b[65536];
    while (read((int)(intptr_t)arg, b, sizeof(b)) > 0)
        ;
    return NULL;
}
static void in_pipe(void)
{
    int p[2];
    pthread_t t;
    char *b = memory(big / 4, true);
    NEED(pipe(p) == 0 && pthread_create(&t, NULL, drains, (void *)(intptr_t)p[0]) == 0);
    fcntl(p[1], F_SETPIPE_SZ, MB);
    GO(write(p[1], b, big / 4));
}
static void in_pipe_size(void)
{
    int p[2];
    static char b[MB];
    NEED(pipe(p) == 0 && fcntl(p[1], F_SETPIPE_SZ, MB) > 0);
    NEED(write(p[1], b, MB) > 0);
    GO(fcntl(p[1], F_SETPIPE_SZ, MB / 2); fcntl(p[1], F_SETPIPE_SZ, MB); read(p[0], b, MB);
       write(p[1], b, MB));
}
static void in_truncate(void)
{
    int f = file(big);
    again = false;
    GO(ftruncate(f, 0));
}
static void in_truncate_mapped(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
    again = false;
    GO(ftruncate(f, 1); (void)p);
}
static void in_unlink(void)
{
    int f = file(big);
    again = false;
    GO(unlink("/tmp/long"); close(f));
}
static void in_fallocate(void)
{
    int f = file(0);
    GO(fallocate(f, 0, 0, (off_t)big));
}
static void in_punch(void)
{
    int f = file(big);
    GO(fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)big);
       if (again) fallocate(f, 0, 0, (off_t)big));
}
static void in_punch_mapped(void)
{
    int f = file(big);
    char *p = mmap(NULL, big, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, f, 0);
    GO(fallocate(f, FALLOC_FL_ZERO_RANGE, 0, (off_t)big); (void)p);
}
static void in_seek(void)
{
    int f = file(big);
    GO(lseek(f, 0, SEEK_HOLE); lseek(f, 0, SEEK_DATA));
}
static void in_seek_sparse(void)
{
    int f = file(0);
    for (uint64_t i = 0; i < 3000; i++)
        NEED(pwrite(f, "", 1, (off_t)(i << 32)) == 1);
    GO(lseek(f, 4096, SEEK_DATA); lseek(f, (off_t)(3000ull << 31), SEEK_HOLE));
    ftruncate(f, 0);
}
static void in_tty_input(void)
{
    int f = dev("/dev/console", O_RDWR);
    struct termios t;
    signal(SIGTTOU, SIG_IGN);
    tcgetattr(f, &t);
    GO(ioctl(f, TIOCSTI, "x"); tcsetattr(f, TCSAFLUSH, &t));
}
/* What is too much for one line is dropped, so this never waits. */
static void in_pty_typed(void)
{
    char *b = memory(MB / 4, true);
    memset(b, 'x', MB / 4);
    int f = dev("/dev/ptmx", O_RDWR | O_NOCTTY);
    GO(write(f, b, MB / 4));
}

static int large_pipe(int p[2])
{
    NEED(pipe(p) == 0 && fcntl(p[0], F_SETPIPE_SZ, 1 << 20) == 1 << 20);
    return p[0];
}
static void in_splice(void)
{
    int f = file(big), p[2], q[2];
    loff_t at = 0;
    char *b = memory(1 << 20, true);
    struct iovec v = { b, 1 << 20 };
    large_pipe(p);
    large_pipe(q);
    GO(at = 0; NEED(splice(f, &at, p[1], NULL, 1 << 20, 0) == 1 << 20);
       NEED(tee(p[0], q[1], 1 << 20, 0) == 1 << 20); NEED(read(q[0], b, 1 << 20) == 1 << 20);
       NEED(splice(p[0], NULL, q[1], NULL, 1 << 20, 0) == 1 << 20); at = 0;
       NEED(splice(q[0], NULL, f, &at, 1 << 20, 0) == 1 << 20);
       NEED(vmsplice(p[1], &v, 1, 0) == 1 << 20); NEED(vmsplice(p[0], &v, 1, 0) == 1 << 20));
}

/* clang-format off */
const struct call data_calls[] = {
    CALL(zero),
    CALL(urandom),
    CALL(getrandom),
    CALL(write),
    CALL(read),
    CALL(read_holes),
    CALL(sendfile),
    CALL(copy_file_range),
    CALL(tty),
    CALL(kmsg),
    CALL(writev),
    CALL(writev_null),
    CALL(pipe),
    CALL(pipe_size),
    CALL(splice),
    CALL(truncate),
    CALL(truncate_mapped),
    CALL(unlink),
    CALL(fallocate),
    CALL(punch),
    CALL(punch_mapped),
    CALL(seek),
    CALL(seek_sparse),
    CALL(tty_input),
    CALL(pty_typed),
    { 0 },
};
/* clang-format on */

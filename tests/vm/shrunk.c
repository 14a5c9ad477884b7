/* shrunk FILE - for root.t: FILE becomes shorter on the host while this waits for a byte.  What is lost then is
 * EIO for read and SIGBUS for a load, what is left can be read. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LOST (160 * 1024)

static sigjmp_buf back;

static void on_bus_error(int sig)
{
    (void)sig;
    siglongjmp(back, 1);
}

int main(int argc, char **argv)
{
    static char buf[4096];
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    const char *map = mmap(NULL, LOST + 8192, PROT_READ, MAP_PRIVATE, fd, 0);

    if (map == MAP_FAILED)
        return 1;
    puts("ready");
    fflush(stdout);
    if (read(STDIN_FILENO, buf, 1) != 1)
        return 2;
    ssize_t n = pread(fd, buf, sizeof(buf), LOST);
    printf("lost: %s\n", n < 0 ? strerror(errno) : "read");
    printf("left: %zd\n", pread(fd, buf, sizeof(buf), 0));
    signal(SIGBUS, on_bus_error);
    if (sigsetjmp(back, 1) == 0) {
        volatile char is = map[LOST];
        (void)is;
        puts("load: no signal");
    } else {
        puts("load: SIGBUS");
    }
    return 0;
}

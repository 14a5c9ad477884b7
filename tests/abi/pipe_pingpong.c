/* Two processes take turns over two pipes 500 times; a chain of ten passes data on. */
#include "check.h"

static void test(void)
{
    int a[2], b[2], n = 0;

    CHECK(pipe(a) == 0 && pipe(b) == 0);
    pid_t pid = START(close(a[1]); while (read(a[0], &n, sizeof(n)) == sizeof(n)) {
        n++;
        if (write(b[1], &n, sizeof(n)) < 0)
            _exit(1);
    });
    for (int i = 0; i < 500; i++) {
        if (write(a[1], &n, sizeof(n)) != sizeof(n) || read(b[0], &n, sizeof(n)) != sizeof(n))
            break;
        n++;
    }
    CHECK_EQ(n, 1000);
    close(a[1]);
    CHECK_EQ(status_of(pid), 0);

    int first[2], in, out[2];
    pid_t pids[10];
    CHECK(pipe(first) == 0);
    in = first[0];
    for (int i = 0; i < 10; i++) {
        CHECK(pipe(out) == 0);
        pids[i] = fork();
        if (pids[i] == 0) {
            char c;
            close(first[1]);
            while (read(in, &c, 1) == 1) {
                c++;
                if (write(out[1], &c, 1) != 1)
                    _exit(1);
            }
            _exit(0);
        }
        close(in);
        close(out[1]);
        in = out[0];
    }
    char text[32] = "";
    CHECK(write(first[1], "ABCDEFGHIJ", 10) == 10);
    close(first[1]);
    for (size_t have = 0; have < sizeof(text) - 1;) {
        ssize_t got = read(in, text + have, sizeof(text) - 1 - have);
        if (got <= 0)
            break;
        have += got;
    }
    SAY("%s\n", text);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(status_of(pids[i]), 0);
}

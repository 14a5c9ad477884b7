/* threads.c - for the lesson on threads: a thread and a process each write to a page of their
 * parent's, after a while in which it waits for them, and the parent looks what it has then. */
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int page[1024] __attribute__((aligned(4096))) = { 1 };

static void *in_thread(void *arg)
{
    usleep(5000);
    page[0] = 2;
    return arg;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, in_thread, NULL);
    pthread_join(thread, NULL);
    printf("after the thread wrote 2:  %d\n", page[0]);
    fflush(stdout);

    pid_t child = fork();
    if (child == 0) {
        usleep(5000);
        page[0] = 3;
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("after the process wrote 3: %d\n", page[0]);
    return 0;
}

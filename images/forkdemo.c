/* forkdemo.c - shows what fork does to memory: the child has a copy of its
 * own, made page by page and only when one of the two writes.
 *
 * The kernel's count of minor page faults makes the copying visible: after a
 * fork, the first write to each page costs one fault, the second none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 64

static long page_size;

static long faults(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

static long write_all(char *memory, char value)
{
    long before = faults();

    for (int i = 0; i < PAGES; i++)
        memory[i * page_size] = value;
    return faults() - before;
}

int main(void)
{
    page_size = sysconf(_SC_PAGESIZE);
    char *memory =
        mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        return 1;
    }
    printf("parent: first write to each of %d pages: %ld faults (pages come into being)\n", PAGES,
           write_all(memory, 'a'));
    printf("parent: second write:                   %ld faults\n", write_all(memory, 'b'));
    fflush(stdout);

    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return 1;
    }
    if (child == 0) {
        printf("child:  sees the parent's value '%c'\n", memory[0]);
        printf("child:  first write after fork:         %ld faults (each copies a page)\n",
               write_all(memory, 'c'));
        printf("child:  second write:                   %ld faults\n", write_all(memory, 'c'));
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, NULL, 0);
    printf("parent: still sees '%c': the child wrote to its own pages\n", memory[0]);
    printf("parent: first write after fork:         %ld faults (the pages are its own again,\n"
           "        but their entries were made read-only by fork)\n",
           write_all(memory, 'd'));
    return 0;
}

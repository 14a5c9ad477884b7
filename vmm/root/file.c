/* file.c - a root image out of a file that vmm-root has made.  It is one mapping, and what it says of
 * itself is looked at only as far as vmm uses it: where its parts are, and what to run. */
#include "vmm/root/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vmm/root/image.h"
#include "vmm/root/tool.h"
#include "vmm/say.h"

extern char **environ;

/* Its status, and the line that it writes. */
static int run_tool(char **argv, char *line, size_t room)
{
    posix_spawn_file_actions_t actions;
    int pipefd[2], status = -1;
    pid_t child;
    if (pipe2(pipefd, O_CLOEXEC) != 0)
        return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipefd[1], STDOUT_FILENO);
    int err = posix_spawn(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pipefd[1]);
    size_t used = 0;
    ssize_t n;
    while (err == 0 && used < room - 1 &&
           ((n = read(pipefd[0], line + used, room - 1 - used)) > 0 || (n < 0 && errno == EINTR)))
        used += n > 0 ? (size_t)n : 0;
    line[used] = '\0';
    line[strcspn(line, "\n")] = '\0';
    close(pipefd[0]);
    while (err == 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    errno = err;
    return err == 0 ? status : -1;
}

static bool refuse(const char *source, const char *why)
{
    say("--root %s: %s", source, why);
    return false;
}

/* The strings of what to run, each with a NUL.  The image has the text from now on. */
static bool take_run(struct root_image *im, char *text, size_t n)
{
    struct root_run *r = &im->run;
    size_t words = 0;
    for (size_t i = 0; i < n; i++)
        words += text[i] == '\0';
    r->text = text;
    r->env = calloc(words + 1, sizeof(*r->env));
    r->command = calloc(words + 1, sizeof(*r->command));
    if (r->env == NULL || r->command == NULL)
        return false;
    unsigned ncommand = 0;
    for (char *s = text; s < text + n; s += strlen(s) + 1)
        switch (*s) {
        case 'E': r->env[r->nenv++] = s + 1; break;
        case 'A': r->command[ncommand++] = s + 1; break;
        case 'W': r->workdir = s + 1; break;
        case 'U': r->user = s + 1; break;
        }
    return true;
}

/* The last page, as far as it makes sense for such a file, and the text of what to run.  NULL: none that does. */
static char *read_end(int fd, struct root_file_end *end)
{
    struct stat st;
    bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 2 * ROOT_FILE_PAGE &&
              st.st_size % ROOT_FILE_PAGE == 0 &&
              pread(fd, end, sizeof(*end), st.st_size - ROOT_FILE_PAGE) == sizeof(*end) &&
              end->magic == ROOT_FILE_MAGIC && end->version == ROOT_FILE_VERSION &&
              end->index_at < end->run_at && end->index_at % ROOT_FILE_PAGE == 0 &&
              end->run_at % ROOT_FILE_PAGE == 0 && end->run_bytes <= ROOT_RUN_MAX &&
              end->run_at <= (uint64_t)st.st_size - ROOT_FILE_PAGE;
    char *run = ok ? malloc(end->run_bytes + 1) : NULL;
    if (run != NULL && pread(fd, run, end->run_bytes, (off_t)end->run_at) == end->run_bytes &&
        (end->run_bytes == 0 || run[end->run_bytes - 1] == '\0'))
        return run;
    free(run);
    return NULL;
}

bool root_image_map(struct root_image *im, int fd, const char *source, const char *file)
{
    struct root_file_end end;
    char *run = read_end(fd, &end);
    if (run == NULL && file == NULL)
        return refuse(source, "what vmm-root made of it is damaged");
    if (run == NULL) {
        say("--root %s: its image in the cache is damaged; remove %s", source, file);
        return false;
    }
    if (!take_run(im, run, end.run_bytes))
        return refuse(source, "out of memory");
    void *at = mmap(NULL, end.run_at, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
    if (at == MAP_FAILED)
        return refuse(source, strerror(errno));
    madvise(at, end.run_at, MADV_DONTDUMP);
    im->at = at;
    im->bytes = end.run_at;
    im->data = end.index_at;
    im->name = source;
    return true;
}

bool root_image_of_file(struct root_image *im, const char *source, bool cache)
{
    char tool[4096 + 32], line[4200], number[16];
    char *argv[] = { tool, (char *)"--to-fd", number, (char *)source, NULL };
    char *cached[] = { tool, (char *)source, NULL };
    int fd = -1;
    if (!root_tool_path(tool, sizeof(tool)))
        return refuse(
            source,
            "vmm-root, which unpacks archives, is neither beside vmm nor in ../lib/forkscope");
    if (!cache) {
        fd = memfd_create("root", 0); /* the tool inherits it */
        if (fd < 0)
            return refuse(source, strerror(errno));
        snprintf(number, sizeof(number), "%d", fd);
    }
    int status = run_tool(cache ? cached : argv, line, sizeof(line));
    if (status != 0) {
        if (status == -1 || !WIFEXITED(status))
            refuse(source, "vmm-root did not end well");
        if (fd >= 0)
            close(fd);
        return false; /* it has said why */
    }
    if (cache && (fd = open(line, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)) < 0)
        return refuse(source, strerror(errno));
    bool ok = root_image_map(im, fd, source, cache ? line : NULL);
    close(fd);
    return ok;
}

/* links: vmm/options.c vmm/trigger.c vmm/trace/lib/schema.c vmm/trace/lib/syscalls.c vmm/installed.c vmm/cmdline.c guest/lib/cmdline.c */
/* cflags: -Dexit=fuzz_exit */
/* Words of a command line are refused with status 125, or give options within their bounds; and
 * COMMAND comes out in the guest as it was given to vmm.  Words are separated by newlines. */
#include "fuzz.h"

#include <setjmp.h>

#include "lib/cmdline.h"
#include "vmm/cmdline.h"
#include "vmm/host.h"
#include "vmm/options.h"

#define WORDS 64

static jmp_buf out;
static int exit_status;

void fuzz_exit(int status) __attribute__((noreturn));
void fuzz_exit(int status)
{
    exit_status = status;
    longjmp(out, 1);
}

void host_describe(FILE *to) { (void)to; }

size_t strlcpy(char *to, const char *from, size_t room)
{
    return (size_t)snprintf(to, room, "%s", from);
}

/* The guest has each word as it was. */
static void check_command(char **command, const char *append)
{
    struct cmdline_parts parts = { .command = command, .append = append };
    char *line;
    if (cmdline_build(&line, &parts) != 0)
        return;
    MUST(strlen(line) <= CMDLINE_MAX);
    char *words = malloc(strlen(line) + 1);
    cmdline_parse(line, words);
    if (append == NULL && command != NULL && !cmdline.too_many) {
        unsigned own = command[0][0] == '-'; /* "--" of ours: what follows is no option of run's */
        MUST(own == 0 || strcmp(cmdline.argv[1], "--") == 0);
        for (unsigned i = 0; command[i] != NULL; i++) {
            MUST(own + i < cmdline.nargs);
            MUST(strcmp(cmdline.argv[1 + own + i], command[i]) == 0);
        }
    }
    free(line);
    free(words);
}

static void parse(int argc, char **argv)
{
    struct options o = { 0 };
    if (setjmp(out) != 0) {
        MUST(exit_status == EXIT_VMM || exit_status == 0);
        return;
    }
    options_parse(&o, argc, argv);
    MUST(o.kernel != NULL && o.cpus >= 1 && o.cpus <= CPUS_MAX);
    MUST(o.memory >= 4096 && o.memory % 4096 == 0 && o.memory <= 1ull << 40);
    MUST(o.timeout >= 0 && o.timeout <= 1e9);
    MUST(o.command == NULL || o.command[0] != NULL);
    MUST(o.nadd < (unsigned)argc);
    check_command(o.command, o.append);
    free(o.add);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *argv[WORDS + 2] = { (char *)"vmm" }, *save = NULL;
    int argc = 1;
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *w = strtok_r(text, "\n", &save); w != NULL && argc <= WORDS;
         w = strtok_r(NULL, "\n", &save))
        argv[argc++] = w;
    uint64_t bytes;
    if (argc > 1 && options_size(argv[1], &bytes))
        MUST(bytes % 4096 == 0);
    parse(argc, argv);
    free(text);
    return 0;
}

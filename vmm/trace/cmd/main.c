/* main.c - vmm-trace COMMAND: finds the command and hands over. */
#include <signal.h>
#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vmm/trace/cmd/commands.h"
#include "vmm/trace/cmd/common.h"
#include "vmm/trace/cmd/confine.h"
#include "vmm/trace/lib/status.h"
#include "vmm/version.h"

struct command {
    const char *name, *what;
    int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
    { "summary", "what each kind of call cost: page-table writes, tables, faults, waits",
      command_summary },
    { "tree", "the processes: who made whom, by which call, and how they ended", command_tree },
    { "blocked", "every wait: why, on whom, since when, what ended it", command_blocked },
    { "call", "one call: which entries it wrote, and why", command_call },
    { "who-wrote", "who last changed the entries for an address", command_who_wrote },
    { "at", "the address spaces at a moment", command_at },
    { "diff", "two traces, calls, moments or address spaces compared", command_diff },
    { "report", "a page for a browser: the trace to look at, or two side by side", command_report },
    { "live", "what the machine does now, like top", command_live },
    { "print", "the events, a line each", command_print },
    { "lint", "does it obey the rules for vfork, tables, frames and flushes?", command_lint },
    { "export", "for other tools: Chrome, Perfetto, SQLite, CSV, mermaid, dot, flame graphs",
      command_export },
    { "info", "files, packets, events by kind, clock and machine", command_info },
    { "recover", "repair what a killed vmm left behind", command_recover },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
    fputs("Usage: vmm-trace COMMAND [OPTION...] DIR\n"
          "Reads the trace that `vmm -t DIR` recorded.\n\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    fputs("\n  --help     this; also after a COMMAND\n  --version  the version\n"
          "\n`vmm-trace COMMAND --help` lists its options.  Any CTF 1.8 reader, such as\n"
          "babeltrace2, reads DIR as well.\n",
          out);
}

/* Files are mapped, and may lose pages meanwhile. */
static void on_bus_error(int sig)
{
    static const char text[] = "vmm-trace: a stream became shorter while it was read (has vmm "
                               "just ended?); try again\n";
    (void)sig;
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    _exit(STATUS_TROUBLE);
}

int main(int argc, char **argv)
{
    signal(SIGBUS, on_bus_error);
    argp_err_exit_status = STATUS_TROUBLE;
    signal(SIGPIPE, SIG_DFL); /* `vmm-trace print DIR | head` just ends */
    if (argc < 2) {
        usage(stderr);
        return STATUS_TROUBLE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return STATUS_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("vmm-trace (Forkscope) " VMM_VERSION);
        return STATUS_OK;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            char name[40];
            snprintf(name, sizeof(name), "vmm-trace %s", commands[i].name);
            argv[1] = name;
            if (commands[i].run != command_recover) /* which writes files */
                after_open = confine;
            int status = commands[i].run(argc - 1, argv + 1);
            if (fflush(stdout) != 0 || ferror(stdout)) {
                fputs("vmm-trace: cannot write the output\n", stderr);
                return STATUS_TROUBLE;
            }
            return status;
        }
    }
    fprintf(stderr, "vmm-trace: no command '%s'; `vmm-trace --help` lists them\n", argv[1]);
    return STATUS_TROUBLE;
}

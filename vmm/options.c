/* options.c - argp turns the command line into struct options.
 *
 * A word that vmm does not take is worth one line and status 125.  argp's own
 * error texts are two lines, so it runs silent (ARGP_NO_ERRS), which costs its
 * built-in --help: that is an option like the others here.
 *
 * Everything before the first `--` is for vmm: options and KERNEL; everything
 * after it is the guest's, whatever it looks like, so it is cut off before
 * argp sees it. */
#include "vmm/options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/host.h"
#include "vmm/installed.h"
#include "vmm/version.h"

#define MEMORY_MIN (4ull << 20)
#define MEMORY_MAX (1ull << 40)

enum {
    OPT_ADD = 256,
    OPT_ROOT,
    OPT_NO_CACHE,
    OPT_ENV,
    OPT_WORKDIR,
    OPT_USER,
    OPT_HOSTNAME,
    OPT_SAVE,
    OPT_OUT,
    OPT_TRACE_START,
    OPT_TRACE_STOP,
    OPT_TRACE_SIZE,
    OPT_TRACE_MODE,
    OPT_TRACE_CONTENTS,
    OPT_AUDIT,
    OPT_DUMP_TABLES,
    OPT_DUMP_AT,
    OPT_TIMEOUT,
    OPT_BOOT_REPORT,
    OPT_STATS,
    OPT_KERNEL_RING,
    OPT_NO_SECCOMP,
    OPT_VERSION,
    OPT_HELP
};

static const struct argp_option option_table[] = {
    { "memory", 'm', "SIZE", 0, "Guest RAM, with K, M or G (default 256M)", 0 },
    { "cpus", 'c', "N", 0, "Number of vCPUs (default 1)", 0 },
    { "initrd", 'i', "FILE", 0,
      "Root image (initramfs, compressed or not) instead of the one inside KERNEL", 0 },
    { "append", 'a', "STRING", 0, "Words for the kernel command line", 0 },
    { "add", OPT_ADD, "HOST[:GUEST]", 0,
      "Put a host file or directory into the guest, at the same path if GUEST is not given; "
      "a dynamically linked program brings its interpreter and libraries, unless the guest has "
      "them (repeatable)",
      0 },
    { "root", OPT_ROOT, "TREE", 0,
      "The root file system: a directory of the host, a tar (.gz, .xz, .zst), an OCI image "
      "layout (LAYOUT:TAG) or what docker save wrote; what the guest changes stays in the guest",
      0 },
    { "no-cache", OPT_NO_CACHE, NULL, 0, "Do not keep what --root has unpacked", 0 },
    { "env", OPT_ENV, "K=V", 0, "A variable for COMMAND (repeatable)", 0 },
    { "workdir", OPT_WORKDIR, "DIR", 0, "Where COMMAND starts", 0 },
    { "user", OPT_USER, "USER[:GROUP]", 0, "Who runs COMMAND, by name or number", 0 },
    { "hostname", OPT_HOSTNAME, "NAME", 0, "The machine's name", 0 },
    { "save", OPT_SAVE, "FILE.tar", 0,
      "When the VM has ended, however it did, write the root file system as it is then into a tar, "
      "which "
      "--root boots",
      0 },
    { "out", OPT_OUT, "GUEST[:HOST]", 0,
      "When the VM has ended, bring a file or directory out of the guest; into the current "
      "directory if HOST is not "
      "given (repeatable)",
      0 },
    { "trace", 't', "DIR", 0, "Record a trace of page tables and processes into DIR", 0 },
    { "trace-start", OPT_TRACE_START, "WHEN", 0,
      "Record from there on, with a checkpoint of all that stands; WHEN: a time since the first "
      "event (1.5, 250ms), #EVENT, event=NAME[:N], call=NAME[:N], pid=N (it is made)",
      0 },
    { "trace-stop", OPT_TRACE_STOP, "WHEN", 0,
      "Record up to there; the machine goes on; pid=N: it has ended", 0 },
    { "trace-size", OPT_TRACE_SIZE, "SIZE", 0,
      "No more than that, with K, M or G; then recording stops, or in a ring the oldest goes", 0 },
    { "trace-mode", OPT_TRACE_MODE, "MODE", 0,
      "full: all of it (default); ring: the last SIZE of --trace-size, for machines that run for "
      "days",
      0 },
    { "trace-contents", OPT_TRACE_CONTENTS, NULL, 0,
      "Record hashes of pages that are copied or begin as zeros, too, so that vmm-trace lint "
      "checks "
      "them; each event is an exit, and the kernel is in ring 0",
      0 },
    { "audit", OPT_AUDIT, "MODE", 0,
      "Check the trace; MODE final: at the end, the replayed tables "
      "equal the guest's memory; dirty: also whenever the guest hands events over or flushes "
      "translations; trap: each store to a table is an exit, and must be that of an event (only "
      "where KVM shadows page tables)",
      0 },
    { "dump-tables", OPT_DUMP_TABLES, "FILE", 0,
      "With --audit=dirty: write all page tables into FILE, as text, as guest memory has them at "
      "the end, or at the moments of --dump-at",
      0 },
    { "dump-at", OPT_DUMP_AT, "WHEN", 0,
      "When --dump-tables writes: at the first TLB flush from there on at which no other vCPU is "
      "inside the kernel (repeatable)",
      0 },
    { "timeout", OPT_TIMEOUT, "SECONDS", 0,
      "Stop the VM after this time and say what every task "
      "was doing",
      0 },
    { "boot-report", OPT_BOOT_REPORT, "FILE", 0,
      "Write the stages of the boot as JSON, or as a picture "
      "if FILE ends in .svg",
      0 },
    { "stats", OPT_STATS, NULL, 0,
      "At the end, print exits by reason and hypercalls by number, "
      "per vCPU, on stderr",
      0 },
    { "kernel-ring", OPT_KERNEL_RING, "RING", 0,
      "Where the kernel runs: 0, 3, or auto: in 3 where the host interprets ring 0 "
      "(default auto)",
      0 },
    { "no-seccomp", OPT_NO_SECCOMP, NULL, 0, "Do not restrict the VMM's own system calls", 0 },
    { "verbose", 'v', NULL, 0, "Say more on stderr, the stages of the boot, too", 0 },
    { "quiet", 'q', NULL, 0, "Say only what went wrong", 0 },
    { "help", OPT_HELP, NULL, 0, "Print this", -1 },
    { "version", OPT_VERSION, NULL, 0, "Print the version; with -v, the host's KVM, too", 0 },
    { 0 }
};

static const char doc[] =
    "Boot a PVH kernel on /dev/kvm, with the terminal as its console."
    "\vWithout COMMAND the guest boots its init.  With COMMAND it runs that, powers off and passes "
    "its exit status on.  Ctrl-A x stops the VM, Ctrl-A h helps.\n\n"
    "Exit status: COMMAND's or init's; 128+N if signal N killed it; 123 the guest rebooted; 124 "
    "timeout; 125 the VMM "
    "refused or failed; 126/127 COMMAND not executable/not found; 255 the guest kernel died.";

static void __attribute__((noreturn, format(printf, 1, 2))) refuse(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("vmm: ", stderr);
    vfprintf(stderr, fmt, ap);
    putc('\n', stderr);
    va_end(ap);
    exit(EXIT_VMM);
}

bool options_size(const char *text, uint64_t *bytes)
{
    char *end;
    errno = 0;
    if (*text < '0' || *text > '9')
        return false;
    unsigned long long n = strtoull(text, &end, 10);
    unsigned shift = 0;
    switch (*end) {
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M': shift = 20; break;
    case 'g':
    case 'G': shift = 30; break;
    case 't':
    case 'T': shift = 40; break;
    }
    if (shift != 0)
        end++;
    if (*end != '\0')
        return false;
    if (errno != 0 || n > (UINT64_MAX - 4095) >> shift)
        *bytes = UINT64_MAX & ~4095ull; /* more than anybody's limit */
    else
        *bytes = (((uint64_t)n << shift) + 4095) & ~4095ull;
    return true;
}

static void set_memory(struct options *o, const char *arg)
{
    if (!options_size(arg, &o->memory))
        refuse("'%s' is not a memory size; try 256M or 2G", arg);
    if (o->memory < MEMORY_MIN || o->memory > MEMORY_MAX)
        refuse("guest RAM of %s: must be from 4M to 1T", arg);
}

static void set_cpus(struct options *o, const char *arg)
{
    char *end;
    unsigned long n = strtoul(arg, &end, 10);
    if (*arg < '0' || *arg > '9' || *end != '\0' || n < 1 || n > CPUS_MAX)
        refuse("'%s' is not a number of vCPUs from 1 to %u", arg, CPUS_MAX);
    o->cpus = (unsigned)n;
}

static void set_timeout(struct options *o, const char *arg)
{
    char *end;
    o->timeout = strtod(arg, &end);
    if (end == arg || *end != '\0' || !isfinite(o->timeout) || o->timeout <= 0 || o->timeout > 1e9)
        refuse("'%s' is not a number of seconds above 0", arg);
}

static void set_kernel_ring(struct options *o, const char *arg)
{
    static const char *const names[] = { "auto", "0", "3" };
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(arg, names[i]) == 0) {
            o->kernel_ring = (enum kernel_ring)i;
            return;
        }
    }
    refuse("'%s' is not a ring for the kernel: 0, 3 or auto", arg);
}

const char *options_audit_name(enum audit_mode mode)
{
    static const char *const names[] = {
        [AUDIT_FINAL] = "final", [AUDIT_DIRTY] = "dirty", [AUDIT_TRAP] = "trap"
    };
    return names[mode];
}

static void set_audit(struct options *o, const char *arg)
{
    for (unsigned i = AUDIT_FINAL; i <= AUDIT_TRAP; i++) {
        if (strcmp(arg, options_audit_name((enum audit_mode)i)) == 0) {
            o->audit = (enum audit_mode)i;
            return;
        }
    }
    refuse("--audit=%s: there are the audits 'final', 'dirty' and 'trap'", arg);
}

/* GUEST[:HOST]; without HOST it goes into the current directory. */
static void add_out(struct options *o, char *arg)
{
    char *colon = strchr(arg, ':');
    if (colon != NULL)
        *colon = '\0';
    if (*arg != '/' || (colon != NULL && colon[1] == '\0'))
        refuse("--out '%s': must be GUEST or GUEST:HOST, with GUEST from / on", arg);
    o->out[o->nout++] = (struct option_out){ arg, colon != NULL ? colon + 1 : "." };
}

static void set_trigger(struct trigger *t, const char *option, const char *arg)
{
    if (!trigger_parse(t, arg))
        refuse("--%s=%s: WHEN is " TRIGGER_SPELLED, option, arg);
}

static void add_dump_at(struct options *o, const char *arg)
{
    set_trigger(&o->dump_at[o->ndump_at++], "dump-at", arg);
}

static void set_trace_size(struct options *o, const char *arg)
{
    if (!options_size(arg, &o->keep.size) || o->keep.size == 0)
        refuse("--trace-size=%s: is not a size; try 64M", arg);
}

static void set_trace_mode(struct options *o, const char *arg)
{
    o->keep.ring = strcmp(arg, "ring") == 0;
    if (!o->keep.ring && strcmp(arg, "full") != 0)
        refuse("--trace-mode=%s: there are the modes 'full' and 'ring'", arg);
}

/* What an option about a trace needs to make sense. */
static void check_trace(const struct options *o)
{
    const struct keep_options *k = &o->keep;
    uint64_t least = KEEP_SIZE_MIN * (o->cpus + 1);
    if (o->trace_dir == NULL && o->audit != AUDIT_NONE)
        refuse("--audit needs a trace; add --trace DIR");
    if (o->trace_dir == NULL && o->contents)
        refuse("--trace-contents needs a trace; add --trace DIR");
    if (o->contents && o->kernel_ring == RING_3)
        refuse("--trace-contents needs the kernel in ring 0, where it can call the VMM for each "
               "event; leave --kernel-ring=3 out");
    if (o->ndump_at > 0 && o->dump == NULL)
        refuse("--dump-at says when --dump-tables FILE writes; add it");
    if (o->dump != NULL && o->audit != AUDIT_DIRTY)
        refuse("--dump-tables looks when --audit=dirty does; add it");
    if (o->dump != NULL && (keep_wanted(k) || k->ring))
        refuse(
            "--dump-tables counts the events of a whole trace; leave --trace-start, -stop, -size "
            "and -mode out");
    if (o->audit == AUDIT_TRAP && (keep_wanted(k) || k->ring))
        refuse("--audit=trap is about a whole trace; leave --trace-start, -stop, -size and -mode "
               "out");
    if (o->trace_dir == NULL && (keep_wanted(k) || k->ring))
        refuse("--trace-start, -stop, -size and -mode need a trace; add --trace DIR");
    if (k->ring && k->size == 0)
        refuse("--trace-mode=ring keeps the last --trace-size SIZE; add it");
    if (k->size != 0 && k->size < least)
        refuse("--trace-size: at least %lluM with %u vCPUs", (unsigned long long)(least >> 20),
               o->cpus);
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
    struct options *o = state->input;
    switch (key) {
    case 'm': set_memory(o, arg); break;
    case 'c': set_cpus(o, arg); break;
    case 'i': o->initrd = arg; break;
    case 'a': o->append = arg; break;
    case OPT_ADD: o->add[o->nadd++] = arg; break;
    case OPT_ROOT: o->root = arg; break;
    case OPT_NO_CACHE: o->cache = false; break;
    case OPT_ENV:
        if (strchr(arg, '=') == NULL || *arg == '=')
            refuse("--env '%s': must be NAME=VALUE", arg);
        o->env[o->nenv++] = arg;
        break;
    case OPT_WORKDIR: o->workdir = arg; break;
    case OPT_USER: o->user = arg; break;
    case OPT_HOSTNAME: o->hostname = arg; break;
    case OPT_SAVE: o->save = arg; break;
    case OPT_OUT: add_out(o, arg); break;
    case 't': o->trace_dir = arg; break;
    case OPT_TRACE_START: set_trigger(&o->keep.start, "trace-start", arg); break;
    case OPT_TRACE_STOP: set_trigger(&o->keep.stop, "trace-stop", arg); break;
    case OPT_TRACE_SIZE: set_trace_size(o, arg); break;
    case OPT_TRACE_MODE: set_trace_mode(o, arg); break;
    case OPT_TRACE_CONTENTS: o->contents = true; break;
    case OPT_AUDIT: set_audit(o, arg); break;
    case OPT_DUMP_TABLES: o->dump = arg; break;
    case OPT_DUMP_AT: add_dump_at(o, arg); break;
    case OPT_TIMEOUT: set_timeout(o, arg); break;
    case OPT_BOOT_REPORT: o->boot_report = arg; break;
    case OPT_STATS: o->stats = true; break;
    case OPT_KERNEL_RING: set_kernel_ring(o, arg); break;
    case OPT_NO_SECCOMP: o->seccomp = false; break;
    case 'v': o->level = 1; break;
    case 'q': o->level = -1; break;
    case OPT_VERSION: o->version = true; break;
    case OPT_HELP: o->help = true; break;
    case ARGP_KEY_ARG:
        if (o->kernel != NULL)
            refuse("one KERNEL only; the guest's command goes after '--'");
        o->kernel = arg;
        break;
    case ARGP_KEY_ERROR: o->wrong = state->next > 0 ? state->argv[state->next - 1] : NULL; break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static void print_version(const struct options *o)
{
    puts("vmm (Forkscope) " VMM_VERSION);
    if (o->level > 0)
        host_describe(stdout);
    exit(EXIT_SUCCESS);
}

void options_parse(struct options *o, int argc, char **argv)
{
    static const struct argp argp = {
        .options = option_table,
        .parser = parse_one,
        .args_doc = "KERNEL [-- COMMAND [ARG...]]",
        .doc = doc,
    };
    *o = (struct options){
        .memory = 256ull << 20, .cpus = 1, .kernel_ring = RING_AUTO, .seccomp = true, .cache = true
    };
    const char *ring =
        getenv("FORKSCOPE_KERNEL_RING"); /* a default: all of make test in one mode */
    if (ring != NULL)
        set_kernel_ring(o, ring);
    o->add = calloc((size_t)argc, sizeof(*o->add));
    o->env = calloc((size_t)argc, sizeof(*o->env));
    o->out = calloc((size_t)argc, sizeof(*o->out));
    o->dump_at = calloc((size_t)argc, sizeof(*o->dump_at));
    if (o->add == NULL || o->env == NULL || o->out == NULL || o->dump_at == NULL)
        refuse("out of memory");

    int own = argc;
    for (int i = 1; i < argc && own == argc; i++)
        if (strcmp(argv[i], "--") == 0)
            own = i;
    bool has_command = own < argc;
    if (has_command)
        argv[own] = NULL;

    if (argp_parse(&argp, own, argv, ARGP_NO_ERRS | ARGP_NO_HELP, NULL, o) != 0)
        refuse("'%s' is not an option, or lacks its argument; see vmm --help",
               o->wrong != NULL ? o->wrong : "");
    if (o->help) {
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, "vmm");
        exit(EXIT_SUCCESS);
    }
    if (o->version)
        print_version(o);
    if (o->kernel == NULL)
        refuse("no KERNEL given; try 'vmm guest.elf', or vmm --help");
    if (has_command && own + 1 == argc)
        refuse("no COMMAND after '--'");
    o->kernel = installed_kernel(o->kernel);
    if (o->root != NULL && o->initrd != NULL)
        refuse("--root and --initrd: one root, please");
    if (!has_command && o->root == NULL &&
        (o->nenv > 0 || o->workdir != NULL || o->user != NULL || o->hostname != NULL))
        refuse("--env, --workdir, --user and --hostname are for a COMMAND; put one after '--'");
    check_trace(o);
    if (has_command)
        o->command = argv + own + 1;
}

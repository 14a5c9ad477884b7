/* main.c - from the command line to the exit status.
 *
 * The order: refuse what can be refused without a VM; make the VM; put the
 * kernel and its files into memory; give up what is needed no more; start the threads,
 * which wait; enter the seccomp sandbox; let them run.  This thread then serves the console until
 * somebody asks for a stop, and reports. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/root_index.h"
#include "vmm/addfiles.h"
#include "vmm/audit.h"
#include "vmm/bootinfo.h"
#include "vmm/bootlog.h"
#include "vmm/cmdline.h"
#include "vmm/console.h"
#include "vmm/host.h"
#include "vmm/initrd.h"
#include "vmm/mapped.h"
#include "vmm/options.h"
#include "vmm/privilege.h"
#include "vmm/report.h"
#include "vmm/root/mend.h"
#include "vmm/root/save.h"
#include "vmm/sandbox.h"
#include "vmm/say.h"
#include "vmm/tasks.h"
#include "vmm/terminal.h"
#include "vmm/timelimit.h"
#include "vmm/tracer.h"
#include "vmm/tracer_audit.h"
#include "vmm/tracer_keep.h"
#include "vmm/vcpu.h"
#include "vmm/vm.h"
#include "vmm/vm_create.h"

/* A closed stdin or stdout would let a file of ours take its number. */
static void fill_standard_fds(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ;
    if (fd >= 0)
        close(fd);
}

static char *make_cmdline(const struct options *opt, const struct root_run *run, bool is_terminal)
{
    struct cmdline_parts parts = { .append = opt->append,
                                   .command = opt->command,
                                   .env = { run->env, opt->env },
                                   .nenv = { run->nenv, opt->nenv },
                                   .workdir = opt->workdir != NULL ? opt->workdir : run->workdir,
                                   .user = opt->user != NULL ? opt->user : run->user,
                                   .hostname = opt->hostname };
    char *line = NULL;
    if (parts.command == NULL && run->command != NULL && run->command[0] != NULL)
        parts.command = run->command;
    if (is_terminal) {
        parts.term = getenv("TERM");
        terminal_size(&parts.rows, &parts.cols);
    } else {
        parts.once = parts.command == NULL;
    }
    switch (cmdline_build(&line, &parts)) {
    case 0: return line;
    case -E2BIG:
        say("the kernel command line would be longer than %u bytes; shorten COMMAND", CMDLINE_MAX);
        break;
    case -EINVAL:
        say("--append ends the kernel's words with '--' and there is a COMMAND, too");
        break;
    default: say("out of memory");
    }
    return NULL;
}

/* What the kernel says of itself against what it would get. */
static bool fits_kernel(const struct options *opt, const struct image *im)
{
    uint64_t least = image_least_memory(im, opt->cpus);
    if (im->is_ours && opt->cpus > im->note.cpus_max) {
        say("%s: runs on %u CPUs at most; try -c %u", opt->kernel, im->note.cpus_max,
            im->note.cpus_max);
        return false;
    }
    if (opt->memory < least) {
        say("%s: needs at least %lluK of RAM with %u CPUs; try -m 8M", opt->kernel,
            (unsigned long long)least >> 10, opt->cpus);
        return false;
    }
    return true;
}

/* -i and --add, in the order in which the kernel takes them. */
static bool open_modules(const struct options *opt, const struct image *kernel,
                         const struct root_image *root, struct boot_module *m, unsigned *n)
{
    *n = 0;
    memset(m, 0, BOOT_MODULES_MAX * sizeof(*m));
    if (opt->initrd != NULL && !initrd_open(opt, kernel, &m[(*n)++]))
        return false;
    if (opt->nadd > 0) {
        m[*n].word = "add";
        if (!addfiles_pack(opt->add, opt->nadd, root, &m[*n].fd, &m[*n].bytes))
            return false;
        uint64_t least = image_least_memory(kernel, opt->cpus) + m[*n].bytes;
        if (least > opt->memory) {
            say("--add: with the added files the guest needs at least %lluM of RAM",
                (unsigned long long)(least >> 20) + 1);
            return false;
        }
        (*n)++;
    }
    return true;
}

static bool load(struct vm *vm, const char *cmdline, struct boot_module *modules, unsigned nmodules)
{
    if (vm->root.at != NULL)
        modules[nmodules++] = (struct boot_module){ .fd = -1,
                                                    .at = vm->root_base + vm->root.data,
                                                    .bytes = vm->root.bytes - vm->root.data,
                                                    .word = ROOT_INDEX_WORD };
    const char *wrong = image_place(&vm->image, vm->mem);
    if (wrong == NULL && vm->ring3)
        wrong = image_move_to_ring3(&vm->image, vm->mem);
    if (wrong == NULL)
        wrong = bootinfo_write(vm->mem, &vm->image, cmdline, modules, nmodules, vm->ncpus);
    if (wrong != NULL) {
        say("%s: %s", vm->opt->kernel, wrong);
        return false;
    }
    mapped_add(vm->image.fd, vm->opt->kernel);
    if (vm->opt->initrd != NULL)
        mapped_add(modules[0].fd, vm->opt->initrd);
    return vcpu_set_entry(&vm->vcpu[0], vm->image.entry, BOOT_START_INFO);
}

/* stopped: recording did, and that is the end of what the audit is about. */
static void keep_verdict(const struct vm *vm, bool stopped, uint64_t during, int64_t final)
{
    char text[128], looks[80] = "";
    if (vm->opt->audit >= AUDIT_DIRTY)
        snprintf(looks, sizeof(looks), "%" PRIu64 " %s, %" PRIu64 " violations, and then ",
                 audit_looks(vm->audit), vm->opt->audit == AUDIT_TRAP ? "stores" : "marks", during);
    if (final < 0)
        snprintf(text, sizeof(text), "%s: failed", options_audit_name(vm->opt->audit));
    else
        snprintf(text, sizeof(text), "%s: %s%" PRId64 " violations at the %s",
                 options_audit_name(vm->opt->audit), looks,
                 final + (vm->opt->audit == AUDIT_FINAL ? (int64_t)during : 0),
                 stopped ? "stop" : "end");
    tracer_verdict(vm->tracer, text, during + (final > 0 ? (uint64_t) final : 0));
}

static int audit(const struct vm *vm, int status)
{
    for (unsigned c = 0; c < vm->ncpus; c++)
        if (vm->vcpu[c].is_amid)
            say("audit: vCPU %u was stopped inside the kernel; a difference of one table may be "
                "a store that was under way",
                c);
    bool stopped = vm->keep != NULL && keep_stopped(vm->keep) != 0;
    uint64_t during = vm->audit != NULL ? audit_finish(vm->audit, stopped, stderr) : 0;
    int64_t final = tracer_audit_final(vm->tracer, stopped ? NULL : vm->mem, stderr);
    keep_verdict(vm, stopped, during, final);
    if (final == 0 && during == 0)
        return status;
    say("audit: %s",
        final >= 0 ? "the trace does not explain the guest's page tables" : strerror((int)-final));
    return vm->stop.kind == STOP_DIED ? status : EXIT_VMM;
}

/* All vCPUs have stopped: close the trace, say what is to be said. */
static int finish(struct vm *vm, struct save *keep, FILE *boot_report)
{
    int status = vm->stop.status;
    int err;

    if (vm->audit != NULL && (err = audit_stop(vm->audit)) != 0) {
        say("audit: the last comparison failed: %s", strerror(-err));
        status = EXIT_VMM;
    }
    if (vm->keep != NULL && (err = keep_end(vm->keep)) != 0)
        status = EXIT_VMM;
    if (vm->audit != NULL && vm->keep != NULL && keep_stopped(vm->keep) != 0)
        audit_last(vm->audit, true);
    if (vm->tracer != NULL) {
        uint64_t early = vm->keep != NULL ? keep_stopped(vm->keep) : 0;
        tracer_stopped(vm->tracer, early != 0 ? early : vm_guest_tsc(vm));
    }
    if (vm->tracer != NULL && (err = tracer_finish(vm->tracer)) != 0) {
        say("cannot finish the trace: %s", strerror(-err));
        status = EXIT_VMM;
    }
    if (vm->keep != NULL) {
        if ((err = keep_close_holes(vm->keep)) != 0)
            say("cannot finish the trace: %s", strerror(-err));
        keep_say(vm->keep);
    }
    console_release_signals(vm->console);
    const char *shrunk = vm->stop.kind == STOP_DIED ? mapped_shrunk() : NULL;
    if (shrunk != NULL) { /* what it died of */
        say(MAPPED_SHRUNK, shrunk);
        return EXIT_VMM;
    }
    switch (vm->stop.kind) {
    case STOP_DIED:
        report_death(vm, stderr);
        status = EXIT_GUEST_DIED;
        break;
    case STOP_TIMEOUT: report_timeout(vm, stderr); break;
    case STOP_FAILED:
        if (vm->stop.text[0] != '\0')
            say("%s", vm->stop.text);
        break;
    default: say_more("%s, status %d", vm->stop.text, vm->stop.status);
    }
    tasks_note_vain(vm);
    if (vm->opt->audit != AUDIT_NONE && vm->stop.kind != STOP_FAILED)
        status = audit(vm, status);
    if (vm->stop.kind != STOP_FAILED && !save_run(keep, vm) && vm->stop.kind != STOP_DIED)
        status = EXIT_VMM;
    if (vm->opt->stats)
        report_stats(vm, stderr);
    if (vm->opt->level > 0)
        bootlog_print(vm, stderr);
    if (boot_report != NULL && (err = bootlog_write(vm, boot_report)) != 0) {
        say("%s: %s", vm->opt->boot_report, strerror(-err));
        status = EXIT_VMM;
    }
    return status;
}

/* The VM, with everything in its memory. */
static bool set_up(struct vm *vm, const struct options *opt, const char *cmdline)
{
    struct boot_module modules[BOOT_MODULES_MAX];
    unsigned nmodules;
    if (!open_modules(opt, &vm->image, &vm->root, modules, &nmodules))
        return false;
    console_block_signals();
    if (!vm_create(vm, opt))
        return false;
    bootlog_mark(vm, BOOT_vm_created, 0, 0);
    if (!load(vm, cmdline, modules, nmodules))
        return false;
    bootlog_mark(vm, BOOT_kernel_loaded, 0, 0);
    return true;
}

/* This thread's or a vCPU's, at an instruction of the VMM itself. */
static bool mend_root(void *ctx)
{
    static _Thread_local unsigned seen;
    struct vm *vm = ctx;
    return root_mend(&vm->root, &seen);
}

static bool open_root(struct vm *vm, const struct options *opt)
{
    if (!root_image_open(&vm->root, opt->root, opt->cache) || !root_mend_prepare(&vm->root))
        return false;
    const struct root_run *run = &vm->root.run;
    if ((opt->nenv > 0 || opt->workdir != NULL || opt->user != NULL || opt->hostname != NULL) &&
        opt->command == NULL && (run->command == NULL || run->command[0] == NULL)) {
        say("--env, --workdir, --user and --hostname are for a COMMAND; put one after '--'");
        return false;
    }
    return true;
}

static int run(struct vm *vm, const struct options *opt, FILE *boot_report)
{
    bool is_terminal = terminal_open();
    struct save keep;
    terminal_on_lost_page(mend_root, vm);
    const char *wrong = image_open(&vm->image, opt->kernel);
    if (wrong != NULL) {
        say("%s: %s", opt->kernel, wrong);
        return EXIT_VMM;
    }
    if (!fits_kernel(opt, &vm->image))
        return EXIT_VMM;
    if ((opt->root != NULL && !open_root(vm, opt)) || !save_open(&keep, opt))
        return EXIT_VMM;
    char *cmdline = make_cmdline(opt, &vm->root.run, is_terminal);
    bool ok = cmdline != NULL && set_up(vm, opt, cmdline);
    free(cmdline);
    if (!ok)
        return EXIT_VMM;
    vm_close_kvm(vm);
    if (!privilege_drop() || !vcpu_start_all(vm) ||
        (opt->seccomp && !(privilege_limit() && sandbox_enter(SANDBOX_MAIN))))
        exit(EXIT_VMM); /* threads wait at their gate: nothing to undo */
    say_more("%u vCPUs, %llu MiB, host KVM %s, kernel in ring %d", vm->ncpus,
             (unsigned long long)(opt->memory >> 20), host_flavour_name(), vm->ring3 ? 3 : 0);
    terminal_raw();
    bootlog_mark(vm, BOOT_first_run, 0, 0);
    vcpu_release_all(vm);
    console_run(vm->console, opt->timeout);
    vcpu_join_all(vm);
    terminal_restore();
    return finish(vm, &keep, boot_report);
}

int main(int argc, char **argv)
{
    struct options opt;
    static struct vm vm;
    FILE *boot_report = NULL;

    bootlog_start(&vm.bootlog);
    fill_standard_fds();
    options_parse(&opt, argc, argv);
    say_set_level(opt.level);
    vcpu_take_kicks();
    time_limit_start(opt.timeout);
    vm.kvm = vm.fd = vm.image.fd = vm.stop.wake_fd = -1;
    int status = EXIT_VMM;
    if (opt.boot_report != NULL && (boot_report = fopen(opt.boot_report, "we")) == NULL)
        say("%s: %s", opt.boot_report, strerror(errno));
    else
        status = run(&vm, &opt, boot_report);
    fflush(NULL);
    vm_destroy(&vm);
    free(opt.add);
    free(opt.env);
    free(opt.out);
    free(opt.dump_at);
    return status;
}

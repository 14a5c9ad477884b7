/* options.h - the command line of vmm, parsed.  options_parse() ends the
 * program itself for --help, --version and words it does not take. */
#ifndef VMM_OPTIONS_H
#define VMM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmm/keep_options.h"

#define CPUS_MAX 254 /* xAPIC IDs: 255 is the broadcast */

#define EXIT_REBOOT     123 /* the guest wants to be started again */
#define EXIT_TIMEOUT    124 /* --timeout ran out */
#define EXIT_VMM        125 /* the VMM refused or failed */
#define EXIT_GUEST_DIED 255 /* panic, triple fault, KVM internal error */

struct options {
    const char *kernel;
    char **command;  /* NULL-terminated words after `--`, or NULL */
    uint64_t memory; /* bytes, a multiple of 4 KiB */
    unsigned cpus;
    const char *initrd; /* or NULL */
    const char *append; /* or NULL */
    const char *root;   /* or NULL */
    bool cache;         /* what --root has to unpack is kept */
    char **env;         /* K=V, nenv of them */
    unsigned nenv;
    const char *workdir, *user, *hostname; /* or NULL */
    const char **add;                      /* HOST[:GUEST], nadd of them */
    unsigned nadd;
    const char *save; /* a tar for the tree as it is in the end; or NULL */
    struct option_out {
        const char *guest, *host;
    } * out; /* nout of them */
    unsigned nout;
    const char *trace_dir; /* or NULL */
    struct keep_options keep;
    bool contents; /* the trace has hashes of what is in copies and fresh pages */
    enum audit_mode { AUDIT_NONE, AUDIT_FINAL, AUDIT_DIRTY, AUDIT_TRAP } audit;
    const char *dump;        /* a file for the page tables as they are; or NULL */
    struct trigger *dump_at; /* at these moments: ndump_at of them */
    unsigned ndump_at;
    double timeout;          /* seconds; 0: none */
    const char *boot_report; /* or NULL */
    bool stats;
    enum kernel_ring { RING_AUTO, RING_0, RING_3 } kernel_ring;
    bool seccomp;
    int level; /* -q -1, -v 1 */
    /* options_parse() acts on these itself */
    bool help, version;
    const char *wrong;
};

const char *options_audit_name(enum audit_mode mode); /* NULL: none */

void options_parse(struct options *o, int argc, char **argv);
/* "256M" -> bytes, rounded up to a page.  False: not a size. */
bool options_size(const char *text, uint64_t *bytes);

#endif

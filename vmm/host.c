/* host.c - the KVM flavour from what the CPU and the loaded modules say.
 *
 * kvm_pvm works without VMX and SVM, so a loaded kvm_pvm decides first; else
 * the CPUID bit of the vendor's extension does.  Asking costs one access(2)
 * and one or two CPUID instructions, no file is read. */
#include "vmm/host.h"

#include <cpuid.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static enum host_flavour detect(void)
{
    unsigned a, b, c = 0, d;
    if (access("/sys/module/kvm_pvm", F_OK) == 0)
        return HOST_PVM;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 5)))
        return HOST_VMX;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d) && (c & (1u << 2)))
        return HOST_SVM;
    return HOST_PVM; /* /dev/kvm without either extension */
}

enum host_flavour host_flavour(void)
{
    static int known = -1; /* main() asks first, before any thread */
    if (known < 0)
        known = (int)detect();
    return (enum host_flavour)known;
}

const char *host_flavour_name(void)
{
    static const char *const names[] = { "vmx", "svm", "pvm" };
    return names[host_flavour()];
}

const char *host_and_ring(bool ring3)
{
    static const char *const names[] = { "vmx-ring3", "svm-ring3", "pvm-ring3" };
    return ring3 ? names[host_flavour()] : host_flavour_name();
}

bool host_interprets_ring0(void) { return host_flavour() == HOST_PVM; }

/* Does the processor walk a guest's tables itself?  1, 0, or -1: unknown. */
static int walks_tables(void)
{
    static const char *const parameter[] = { "/sys/module/kvm_intel/parameters/ept",
                                             "/sys/module/kvm_amd/parameters/npt", NULL };
    if (parameter[host_flavour()] == NULL)
        return 0;
    FILE *in = fopen(parameter[host_flavour()], "re");
    int c = in != NULL ? getc(in) : EOF;
    if (in != NULL)
        fclose(in);
    return c == EOF ? -1 : c == 'Y' || c == '1';
}

bool host_walks_tables(void) { return walks_tables() > 0; }

static const char *paging(void)
{
    static const char *const name[] = { "EPT", "NPT", NULL };
    int walks = walks_tables();
    return walks > 0 ? name[host_flavour()] : walks == 0 ? "shadow page tables" : "unknown";
}

void host_describe(FILE *out)
{
    unsigned a, b, c = 0, d;
    struct utsname u;
    bool nested = __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 31));
    fprintf(out, "kvm: %s%s\n", host_flavour_name(), nested ? ", in a virtual machine" : "");
    fprintf(out, "paging: %s\n", paging());
    if (uname(&u) == 0)
        fprintf(out, "host: Linux %s %s\n", u.release, u.machine);
}

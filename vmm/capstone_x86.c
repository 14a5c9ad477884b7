/* capstone_x86.c - of Capstone, only what decodes x86 is linked into vmm.
 *
 * cs_open() finds its architectures in a table that names the two entry points of
 * each, so a static link would bring all twelve.  Those of the other eleven are
 * defined here, and the linker has no reason to take the rest of them out of the
 * archive.  It matters because vmm is position-independent: the tables of M68K alone
 * are 65,536 relocations, which every start would pay for (0.7 ms), those of x86 are
 * 2,000.  cs_open() for one of them fails with CS_ERR_ARCH, as in a Capstone that was
 * built without it. */
#include <capstone/capstone.h>

/* As cs_priv.h of Capstone 4 declares them. */
struct cs_struct;
#define OTHERS(X) \
    X(ARM) \
    X(AArch64) X(Mips) X(PPC) X(Sparc) X(SystemZ) X(XCore) X(M68K) X(TMS320C64x) X(M680X) X(EVM)
#define LEAVE_OUT(arch) \
    cs_err arch##_global_init(struct cs_struct *ud); \
    cs_err arch##_global_init(struct cs_struct *ud) \
    { \
        (void)ud; \
        return CS_ERR_ARCH; \
    } \
    cs_err arch##_option(struct cs_struct *ud, cs_opt_type type, size_t value); \
    cs_err arch##_option(struct cs_struct *ud, cs_opt_type type, size_t value) \
    { \
        (void)ud, (void)type, (void)value; \
        return CS_ERR_ARCH; \
    }
OTHERS(LEAVE_OUT)

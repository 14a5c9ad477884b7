/* pagewalk.c - see pagewalk.h.  Source: the SDM, volume 3, chapter 4. */
#include "vmm/pagewalk.h"

#include <inttypes.h>
#include <string.h>

#include "shared/pte.h"

#define CR0_PG   (1ull << 31)
#define CR4_LA57 (1ull << 12)
#define EFER_LMA (1ull << 10)

static void print_entry(FILE *out, unsigned level, uint64_t at, unsigned index, uint64_t e)
{
    static const char *const names[] = { "", "PTE", "PMD", "PUD", "PGD", "P5D" };
    fprintf(out, "    %s %011" PRIx64 "[%3u] = %016" PRIx64 "  %s%s%s%s%s%s%s%s\n", names[level],
            at, index, e, e & PTE_P ? "present" : "not present", e & PTE_W ? " write" : "",
            e & PTE_U ? " user" : "", e & PTE_NX ? " nx" : "", e & PTE_G ? " global" : "",
            e & PTE_A ? " accessed" : "", level == 1 && (e & PTE_D) ? " dirty" : "",
            level > 1 && (e & PTE_PS) ? " large" : "");
}

bool pagewalk(const struct gmem *mem, const struct kvm_sregs *s, uint64_t va, uint64_t *gpa,
              FILE *out)
{
    if (!(s->cr0 & CR0_PG)) {
        *gpa = va;
        if (out != NULL)
            fputs("    paging is off\n", out);
        return true;
    }
    if (!(s->efer & EFER_LMA)) {
        if (out != NULL)
            fputs("    32-bit paging is not walked\n", out);
        return false;
    }
    unsigned top = s->cr4 & CR4_LA57 ? 5 : 4;
    unsigned sign = 64 - (12 + 9 * top);
    if ((uint64_t)((int64_t)(va << sign) >> sign) != va) {
        if (out != NULL)
            fputs("    not canonical\n", out);
        return false;
    }
    uint64_t table = s->cr3 & PTE_ADDR;
    for (unsigned level = top; level > 0; level--) {
        unsigned shift = 12 + 9 * (level - 1);
        unsigned index = va >> shift & 511;
        const uint64_t *t = gmem_span(mem, table, GMEM_PAGE);
        if (t == NULL) {
            if (out != NULL)
                fprintf(out, "    the table at %" PRIx64 " is not in RAM\n", table);
            return false;
        }
        uint64_t e = __atomic_load_n(&t[index], __ATOMIC_RELAXED);
        if (out != NULL)
            print_entry(out, level, table, index, e);
        if (!(e & PTE_P))
            return false;
        if (level == 1 || (level <= 3 && (e & PTE_PS))) {
            uint64_t mask = (1ull << shift) - 1;
            *gpa = (e & PTE_ADDR & ~mask) | (va & mask);
            return true;
        }
        table = e & PTE_ADDR;
    }
    return false;
}

size_t pagewalk_read(const struct gmem *mem, const struct kvm_sregs *s, uint64_t va, void *buf,
                     size_t n)
{
    size_t done = 0;
    while (done < n) {
        uint64_t gpa;
        size_t part = GMEM_PAGE - ((va + done) & (GMEM_PAGE - 1));
        if (part > n - done)
            part = n - done;
        if (!pagewalk(mem, s, va + done, &gpa, NULL))
            break;
        const void *p = gmem_span(mem, gpa, part);
        if (p == NULL)
            break;
        memcpy((uint8_t *)buf + done, p, part);
        done += part;
    }
    return done;
}

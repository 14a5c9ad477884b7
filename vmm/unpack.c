/* unpack.c - see unpack.h.
 *
 * A decoder is given all of the input and all of the room at once, and works on `struct
 * flow`.  It returns NULL at the end of its stream, or why it cannot go on.  None
 * of them trusts a size that the input names. */
#include "vmm/unpack.h"

#include <bzlib.h>
#include <errno.h>
#include <limits.h>
#include <lz4.h>
#include <lz4frame.h>
#include <lzma.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "vmm/sandbox.h"

#define XZ_MEMORY (512ull << 20) /* for a dictionary; xz -9e wants 65 MiB */
#define LZ4_BLOCK (8u << 20)     /* of lz4's legacy format */
#define PIECE     (1u << 30)     /* zlib and bzip2 count in 32 bits */
#define MAGIC_MAX 6

static const char too_large[] = "more than guest RAM holds when it is unpacked; try a larger -m";
static const char cut_off[] = "ends too early";
static const char damaged[] = "is damaged";
static const char no_memory[] = "there is no memory to unpack it";

struct flow {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
};

static unsigned piece(size_t n) { return n < PIECE ? (unsigned)n : PIECE; }

static void advance(struct flow *f, size_t taken, size_t made)
{
    f->in += taken;
    f->in_left -= taken;
    f->out += made;
    f->out_left -= made;
}

/* A decoder made no step: whose fault is it? */
static const char *stuck(const struct flow *f) { return f->out_left == 0 ? too_large : cut_off; }

static const char *gunzip(struct flow *f)
{
    z_stream z = { 0 };
    int ret = inflateInit2(&z, 15 + 16);
    while (ret == Z_OK) {
        unsigned in = piece(f->in_left), out = piece(f->out_left);
        z.next_in = (Bytef *)f->in;
        z.avail_in = in;
        z.next_out = f->out;
        z.avail_out = out;
        ret = inflate(&z, Z_NO_FLUSH);
        advance(f, in - z.avail_in, out - z.avail_out);
    }
    inflateEnd(&z);
    return ret == Z_STREAM_END  ? NULL
           : ret == Z_BUF_ERROR ? stuck(f)
           : ret == Z_MEM_ERROR ? no_memory
                                : damaged;
}

static const char *run_lzma(struct flow *f, lzma_stream *s, lzma_ret ret)
{
    s->next_in = f->in;
    s->avail_in = f->in_left;
    s->next_out = f->out;
    s->avail_out = f->out_left;
    if (ret == LZMA_OK)
        ret = lzma_code(s, LZMA_FINISH);
    advance(f, f->in_left - s->avail_in, f->out_left - s->avail_out);
    lzma_end(s);
    switch (ret) {
    case LZMA_STREAM_END: return NULL;
    case LZMA_OK:
    case LZMA_BUF_ERROR: return stuck(f);
    case LZMA_MEM_ERROR: return no_memory;
    case LZMA_MEMLIMIT_ERROR: return "wants a dictionary of more than 512 MiB";
    default: return damaged;
    }
}

static const char *unxz(struct flow *f)
{
    lzma_stream s = LZMA_STREAM_INIT;
    return run_lzma(f, &s, lzma_stream_decoder(&s, XZ_MEMORY, 0));
}

static const char *unlzma(struct flow *f)
{
    lzma_stream s = LZMA_STREAM_INIT;
    return run_lzma(f, &s, lzma_alone_decoder(&s, XZ_MEMORY));
}

static const char *bunzip2(struct flow *f)
{
    bz_stream z = { 0 };
    int ret = BZ2_bzDecompressInit(&z, 0, 0);
    bool moved = true;
    while (ret == BZ_OK && moved) {
        unsigned in = piece(f->in_left), out = piece(f->out_left);
        z.next_in = (char *)f->in;
        z.avail_in = in;
        z.next_out = (char *)f->out;
        z.avail_out = out;
        ret = BZ2_bzDecompress(&z);
        moved = z.avail_in != in || z.avail_out != out;
        advance(f, in - z.avail_in, out - z.avail_out);
    }
    BZ2_bzDecompressEnd(&z);
    return ret == BZ_STREAM_END  ? NULL
           : ret == BZ_OK        ? stuck(f)
           : ret == BZ_MEM_ERROR ? no_memory
                                 : damaged;
}

static const char *unzstd(struct flow *f)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    const char *wrong = ctx == NULL ? no_memory : NULL;
    size_t ret = 1;
    while (wrong == NULL && ret != 0) {
        ZSTD_inBuffer in = { f->in, f->in_left, 0 };
        ZSTD_outBuffer out = { f->out, f->out_left, 0 };
        ret = ZSTD_decompressStream(ctx, &out, &in);
        if (ZSTD_isError(ret))
            wrong = ZSTD_getErrorName(ret);
        else if (ret != 0 && in.pos == 0 && out.pos == 0)
            wrong = stuck(f);
        advance(f, in.pos, out.pos);
    }
    ZSTD_freeDCtx(ctx);
    return wrong;
}

static const char *unlz4(struct flow *f)
{
    LZ4F_dctx *ctx;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&ctx, LZ4F_VERSION)))
        return no_memory;
    const char *wrong = NULL;
    size_t ret = 1;
    while (wrong == NULL && ret != 0) {
        size_t in = f->in_left, out = f->out_left;
        ret = LZ4F_decompress(ctx, f->out, &out, f->in, &in, NULL);
        if (LZ4F_isError(ret))
            wrong = damaged;
        else if (ret != 0 && in == 0 && out == 0)
            wrong = stuck(f);
        advance(f, in, out);
    }
    LZ4F_freeDecompressionContext(ctx);
    return wrong;
}

static uint32_t load32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Linux' own choice.  Blocks with their sizes before them; nothing marks the end, so
 * what is no size of a block is behind it. */
static const char *unlz4_legacy(struct flow *f)
{
    advance(f, 4, 0);
    for (unsigned blocks = 0;; blocks++) {
        uint32_t size = f->in_left >= 4 ? load32(f->in) : 0;
        if (size == 0 || size > (uint32_t)LZ4_compressBound(LZ4_BLOCK))
            return blocks > 0 ? NULL : cut_off;
        if (size > f->in_left - 4)
            return cut_off;
        int room = f->out_left < LZ4_BLOCK ? (int)f->out_left : (int)LZ4_BLOCK;
        int made = LZ4_decompress_safe((const char *)f->in + 4, (char *)f->out, (int)size, room);
        if (made < 0)
            return room < (int)LZ4_BLOCK ? too_large : damaged;
        advance(f, 4 + (size_t)size, (size_t)made);
    }
}

static const char *refuse_lzo(struct flow *f)
{
    (void)f;
    return "is not unpacked here; use another format";
}

static const struct format {
    const char *name;
    uint8_t magic[MAGIC_MAX], length;
    const char *(*decode)(struct flow *f);
} formats[] = {
    { "gzip", { 0x1f, 0x8b, 8 }, 3, gunzip },
    { "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, unxz },
    { "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, unzstd },
    { "lz4", { 0x04, 0x22, 0x4d, 0x18 }, 4, unlz4 },
    { "lz4 (legacy)", { 0x02, 0x21, 0x4c, 0x18 }, 4, unlz4_legacy },
    { "bzip2", { 'B', 'Z', 'h' }, 3, bunzip2 },
    { "lzma", { 0x5d, 0, 0 }, 3, unlzma },
    { "lzo", { 0x89, 'L', 'Z', 'O' }, 4, refuse_lzo },
};

static const struct format *find(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (n >= formats[i].length && memcmp(bytes, formats[i].magic, formats[i].length) == 0)
            return &formats[i];
    return NULL;
}

const char *unpack_format(const uint8_t *bytes, size_t n)
{
    const struct format *format = find(bytes, n);
    return format != NULL ? format->name : NULL;
}

static void decode_all(struct flow f, struct unpacked *result)
{
    const struct format *format = find(f.in, f.in_left);
    const char *wrong = NULL;
    struct flow start = f;
    do {
        wrong = format->decode(&f);
    } while (wrong == NULL && find(f.in, f.in_left) == format);
    result->taken = start.in_left - f.in_left;
    result->made = start.out_left - f.out_left;
    if (wrong != NULL)
        snprintf(result->wrong, sizeof(result->wrong), "%s", wrong);
}

/* The child: nothing but memory from here on, and no longer than its parent. */
static void __attribute__((noreturn))
child(struct flow f, bool seccomp, pid_t parent, struct unpacked *result)
{
    static const struct rlimit no_core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    signal(SIGABRT, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGILL, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || (seccomp && !sandbox_enter(SANDBOX_MAIN)))
        _exit(1);
    decode_all(f, result);
#ifdef VMM_INSTRUMENTED
    exit(0); /* with its counters */
#else
    _exit(0);
#endif
}

bool unpack(const uint8_t *in, size_t n, uint8_t *out, size_t room, bool seccomp,
            struct unpacked *result)
{
    struct flow f = { in, n, out, room };
    int status = 0;
    struct unpacked *shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *result = (struct unpacked){ 0 };
    if (shared == MAP_FAILED) {
        snprintf(result->wrong, sizeof(result->wrong), "%s", no_memory);
        return false;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        child(f, seccomp, parent, shared);
    pid_t ended;
    do {
        ended = pid > 0 ? waitpid(pid, &status, 0) : -1;
    } while (ended < 0 && errno == EINTR && pid > 0);
    *result = *shared;
    munmap(shared, sizeof(*shared));
    result->wrong[sizeof(result->wrong) - 1] = '\0';
    if (pid < 0 || ended < 0)
        snprintf(result->wrong, sizeof(result->wrong), "%s", no_memory);
    else if (WIFSIGNALED(status) && result->wrong[0] == '\0')
        snprintf(result->wrong, sizeof(result->wrong), "killed its decoder (%s)",
                 strsignal(WTERMSIG(status)));
    else if (status != 0 && result->wrong[0] == '\0')
        snprintf(result->wrong, sizeof(result->wrong), "cannot be unpacked in a sandbox");
    else if (result->taken > n || result->made > room)
        snprintf(result->wrong, sizeof(result->wrong), "%s", damaged);
    return result->wrong[0] == '\0';
}

#!/bin/bash
# libzstd 1.5.4: ZSTD_decompressStream() changes bytes of the output buffer beyond what it says it produced.
#
# Guess: after a call that returns with out.pos = n, the bytes from n on of the output buffer are as they were. A
# caller that unpacks into memory which is zero already (a fresh mapping, a sparse file, a guest's RAM) may then
# leave the rest alone, as with inflate() and lzma_code().
# Found: when the whole frame is there and the output has room for all of it, the frame is unpacked straight into the
# output, and literals and matches are copied in pieces of 16 or 32 bytes that may run over their end, within out.size.  So
# bytes behind out.pos hold what the input never said.  (Fed a byte at a time, it unpacks into a window of its own and
# copies exactly.)  After the last call the rest must be cleared again, or out.size must be the content's size.
. "$(dirname "$0")/lib.sh"
need libzstd1=1.5.4+dfsg2-5 libzstd-dev=1.5.4+dfsg2-5

cat > over.c <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
int main(void)
{
    enum { SIZE = 100003, ROOM = 1 << 20 };
    char *text = malloc(SIZE), *packed = malloc(ROOM), *out = calloc(1, ROOM);
    for (int i = 0; i < SIZE; i++)
        text[i] = "a word, another one; and some more. "[i * 7 % 36 ^ (i / 1000 % 4)];
    size_t n = ZSTD_compress(packed, ROOM, text, SIZE, 3);
    ZSTD_DStream *d = ZSTD_createDStream();
    ZSTD_outBuffer o = { out, ROOM, 0 };
    int over = 0;
    ZSTD_inBuffer in = { packed, n, 0 };
    if (ZSTD_decompressStream(d, &o, &in) != 0 || o.pos != SIZE)
        return 2;
    for (size_t i = o.pos; i < o.pos + 64; i++)
        over += out[i] != 0;
    printf("%s %s %s\n", ZSTD_versionString(), memcmp(out, text, SIZE) == 0 ? "right" : "wrong",
           over > 0 ? "over" : "exact");
    return 0;
}
C
cc -O1 -Iroot/usr/include over.c -o over root/usr/lib/x86_64-linux-gnu/libzstd.so.1
same 'version, content, bytes behind it' "$(./over)" '1.5.4 right over'

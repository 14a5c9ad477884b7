/* file.h - a root image as a file, which vmm-root makes of an archive and vmm maps.
 *
 * Pages: files' data, the index, what to run, and this as the last. */
#ifndef VMM_ROOT_FILE_H
#define VMM_ROOT_FILE_H

#include <stdint.h>

#define ROOT_FILE_MAGIC 0x31454c4946544f52ull
#define ROOT_FILE_PAGE  4096u
#define ROOT_RUN_MAX    (60u << 10)

/* What to run are strings, a letter and a value each: E K=V, W directory, U user, A argument. */
struct root_file_end {
    uint64_t magic;
    uint64_t index_at, run_at; /* offsets in the file, whole pages */
    uint32_t run_bytes, version;
};
#define ROOT_FILE_VERSION 3u

#endif

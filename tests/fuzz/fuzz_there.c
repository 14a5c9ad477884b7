/* links: vmm/there.c */
/* A tree's index that vmm-root made of an archive, as vmm looks paths up in it for --add: nothing outside of it is
 * read, and what is found is a path without symlinks. */
#include "fuzz.h"

#include <sys/stat.h>

#include "shared/root_index.h"
#include "vmm/there.h"

static void look(struct there *t, const char *path)
{
    struct there_found f;
    for (unsigned last = THERE_FOLLOW; last <= THERE_NOFOLLOW; last++)
        if (there_find(t, path, last, &f)) {
            MUST(f.path[0] == '/');
            MUST(last == THERE_NOFOLLOW || f.kind != THERE_SYMLINK);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const paths[] = {
        "/", "/a", "/lib64/ld.so", "/a/b/../../c", "//b/./a", "/c/"
    };
    struct root_header head = { .magic = ROOT_INDEX_MAGIC, .version = ROOT_INDEX_VERSION };
    size_t room = sizeof(head) - offsetof(struct root_header, inodes);
    if (size < room)
        return 0;
    memcpy(&head.inodes, data, room); /* where the tables are: the input says */
    uint8_t *index = malloc(sizeof(head) + size - room);
    if (index == NULL)
        return 0;
    memcpy(index, &head, sizeof(head));
    memcpy(index + sizeof(head), data + room, size - room);
    struct root_image im = { .at = index, .bytes = sizeof(head) + size - room };
    struct there *t = there_new(&im);
    MUST(t != NULL);
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        look(t, paths[i]);
    there_add(t, "/lib64", S_IFLNK | 0777, NULL, "a");
    there_add(t, "/a", S_IFDIR | 0755, NULL, NULL);
    look(t, "/lib64/b");
    there_free(t);
    free(index);
    return 0;
}

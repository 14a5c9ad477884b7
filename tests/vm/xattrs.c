/* xattrs.c - what extended attributes files have: a line FILE NAME=VALUE each, or sets one.
 *     xattrs FILE...
 *     xattrs -s NAME VALUE FILE */
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static char list[65536], value[65537];

static int show(const char *file)
{
    ssize_t n = llistxattr(file, list, sizeof(list));
    if (n < 0)
        perror(file);
    for (char *name = list; n > 0 && name < list + n; name += strlen(name) + 1) {
        ssize_t size = lgetxattr(file, name, value, sizeof(value) - 1);
        if (size < 0)
            perror(name);
        unsigned sum = 0;
        for (ssize_t i = 0; i < size; i++)
            sum = sum * 31 + (unsigned char)value[i];
        if (strncmp(name, "security.", 9) != 0 || strcmp(name, "security.capability") == 0)
            printf("%s %s=%zd:%u\n", file, name, size, sum);
    }
    return n < 0;
}

int main(int argc, char **argv)
{
    int bad = 0;
    if (argc == 5 && strcmp(argv[1], "-s") == 0) {
        if (lsetxattr(argv[4], argv[2], argv[3], strlen(argv[3]), 0) != 0)
            perror(argv[4]);
        return 0;
    }
    for (int i = 1; i < argc; i++)
        bad |= show(argv[i]);
    return bad;
}

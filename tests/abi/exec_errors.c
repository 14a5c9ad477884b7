/* Why execve fails, by errno, and that nothing has changed afterwards. */
#include "check.h"

extern char **environ;

static void try(const char *name, const char *path)
{
    char *const argv[] = { "x", NULL };

    errno = 0;
    int got = execve(path, argv, environ);
    SAY("%s: %d errno %d\n", name, got, errno);
}

static void put(const char *path, const void *data, size_t len, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    CHECK(write(fd, data, len) == (ssize_t)len);
    fchmod(fd, mode);
    close(fd);
}

static void test(void)
{
    static char long_name[5000], long_part[300];
    unsigned char elf[4096] = { 0 };

    memset(long_name, 'a', sizeof(long_name) - 1);
    memset(long_part, 'b', sizeof(long_part) - 1);
    put("not_x", "#!/bin/sh\n", 10, 0644);
    put("empty", "", 0, 0755);
    put("text", "echo hello\n", 11, 0755);
    put("binary", "\0\0\0\0\0", 5, 0755);
    put("no_interp", "#!/nonexistent/interpreter\n", 27, 0755);
    put("interp_dir", "#!/tmp\n", 7, 0755);
    put("no_line", "#!", 2, 0755);
    put("blank", "#!   \n", 6, 0755);
    put("self", "#!./self\n", 9, 0755);
    memcpy(elf, "\177ELF\2\1\1", 7);
    put("elf_empty", elf, 7, 0755);
    put("elf_zero", elf, sizeof(elf), 0755);
    elf[16] = 2;  /* ET_EXEC */
    elf[18] = 62; /* EM_X86_64 */
    elf[20] = 1;
    elf[54] = 56; /* e_phentsize */
    put("elf_no_phdr", elf, sizeof(elf), 0755);
    elf[56] = 255;
    elf[57] = 255; /* e_phnum */
    put("elf_many_phdr", elf, sizeof(elf), 0755);
    elf[18] = 40; /* ARM */
    put("elf_other", elf, sizeof(elf), 0755);
    CHECK(mkdir("dir", 0755) == 0);
    CHECK(symlink("loop2", "loop1") == 0 && symlink("loop1", "loop2") == 0);
    CHECK(symlink("nowhere", "dangling") == 0);

    try("missing", "./missing");
    try("empty name", "");
    try("not executable", "./not_x");
    try("directory", "./dir");
    try("file as directory", "./text/x");
    try("loop", "./loop1");
    try("dangling", "./dangling");
    try("long name", long_name);
    try("long part", long_part);
    try("empty", "./empty");
    try("text", "./text");
    try("binary", "./binary");
    try("no interpreter", "./no_interp");
    try("interpreter is a directory", "./interp_dir");
    try("#! and no more", "./no_line");
    try("#! and blanks", "./blank");
    try("own interpreter", "./self");
    try("ELF, 7 bytes", "./elf_empty");
    try("ELF, zeros", "./elf_zero");
    try("ELF, no segments", "./elf_no_phdr");
    try("ELF, too many segments", "./elf_many_phdr");
    try("ELF, other machine", "./elf_other");
    try("device", "/dev/null");
}

#!/bin/bash
# libarchive 3.6.2: an option that is set after the archive was opened ends the reading of it.
#
# Guess: an option such as hdrcharset says how names are understood, so it may be set any time before the first name is
# asked for: open the file, see what it is, set what fits, read.  Where that is too late the call fails, as for an option
# that the format does not know (ARCHIVE_WARN), and one goes on without it.
# Found: the call fails with ARCHIVE_FATAL, and the reader itself is dead after it: the first header of an archive that is
# well fails, too, with the error text of the option call.  So a program that takes an option's failure for a matter of that
# option alone reads no entry.  Options come before archive_read_open*(), which is before anything is known of the file.
. "$(dirname "$0")/lib.sh"
need libarchive13=3.6.2-1+deb12u5 libarchive-dev=3.6.2-1+deb12u5

cat > late.c <<'C'
#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    (void)argc;
    for (int late = 0; late < 2; late++) {
        struct archive *a = archive_read_new();
        struct archive_entry *entry;
        int set = 0, entries = 0, end;
        archive_read_support_filter_all(a);
        archive_read_support_format_all(a);
        if (!late)
            set = archive_read_set_options(a, "hdrcharset=UTF-8");
        if (archive_read_open_filename(a, argv[1], 10240) != ARCHIVE_OK)
            return 2;
        if (late)
            set = archive_read_set_options(a, "hdrcharset=UTF-8");
        while ((end = archive_read_next_header(a, &entry)) == ARCHIVE_OK)
            entries++;
        printf("%s: set %s, %d entries, %s;", late ? "after" : "before",
               set == ARCHIVE_OK ? "ok" : set == ARCHIVE_FATAL ? "fatal" : "other", entries,
               end == ARCHIVE_EOF ? "end" : end == ARCHIVE_FATAL ? "fatal" : "other");
        archive_read_free(a);
    }
    return 0;
}
C
cc -O1 -Iroot/usr/include late.c -o late root/usr/lib/x86_64-linux-gnu/libarchive.so.13
echo one > one
echo two > two
tar -cf two.tar one two
same 'an option before and after the opening' "$(./late two.tar)" \
    'before: set ok, 2 entries, end;after: set fatal, 0 entries, fatal;'

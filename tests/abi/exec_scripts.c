/* Scripts: one optional argument, taken whole, with blanks around it trimmed; the
 * path replaces argv[0]; the rest follows; a script may be another's interpreter, five
 * deep; CR is part of the name. */
#include "check.h"

static void script(const char *name, const char *text)
{
    write_file(name, text);
    chmod(name, 0755);
}

static void run(const char *path)
{
    SAY("%s:\n", path);
    int status = CHILD({
        execl(path, "given", "one", "two words", (char *)NULL);
        SAY("errno %d\n", errno);
    });
    SAY("status %d\n", status);
}

static void test(void)
{
    script("show", "#!/bin/sh\nprintf '[%s]' \"$0\" \"$@\"; echo\n");
    script("one", "#! ./show arg1 arg2  \nignored\n");
    script("none", "#!./show\n");
    script("tabs", "#!\t./show\t -x \t\n");
    script("no_newline", "#!./show end");
    script("nested", "#!./one inner\n");
    script("deep1", "#!./nested a\n");
    script("deep2", "#!./deep1 b\n");
    script("deep3", "#!./deep2 c\n");
    script("crlf", "#!/bin/sh\r\nexit 0\n");
    run("./show");
    run("./one");
    run("./none");
    run("./tabs");
    run("./no_newline");
    run("./nested");
    run("./deep1");
    run("./deep2");
    run("./deep3");
    run("./crlf");
}

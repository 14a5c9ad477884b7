/* Keys and keyrings: add_key, request_key, keyctl; whose they are, what becomes of them at fork and
 * exec, rights, quotas, keys that end. */
#include "check.h"
#include <stddef.h>
#define KEYCTL_(op, ...) syscall(SYS_keyctl, op, ##__VA_ARGS__)

enum { TH = -1, PR = -2, SE = -3, US = -4, UN = -5 };
enum {
    GET_ID,
    JOIN,
    UPDATE,
    REVOKE,
    CHOWN,
    SETPERM,
    DESCRIBE,
    CLEAR,
    LINK,
    UNLINK,
    SEARCH,
    READ,
    INSTANTIATE,
    NEGATE,
    SET_REQKEY,
    SET_TIMEOUT,
    ASSUME,
    GET_SECURITY,
    INVALIDATE = 21,
    RESTRICT = 29,
    MOVE = 30,
};
static char buf[40000];

static long add(const char *type, const char *name, const void *data, size_t n, long ring)
{
    return syscall(SYS_add_key, type, name, data, n, ring);
}

static long ask(const char *type, const char *name, const char *info, long ring)
{
    return syscall(SYS_request_key, type, name, info, ring);
}

static void say_what(const char *which, long key)
{
    char text[128] = "";

    CHECK(KEYCTL_(DESCRIBE, key, text, sizeof text) == (long)strlen(text) + 1);
    SAY("%s: %s\n", which, text);
}

static void rings(void)
{
    CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, TH, 0));
    CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, PR, 0));
    CHECK(KEYCTL_(GET_ID, US, 0) > 0 && KEYCTL_(GET_ID, UN, 0) > 0);
    CHECK_ERR(EINVAL, KEYCTL_(GET_ID, -6, 0));
    CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, -7, 0));
    CHECK_ERR(EINVAL, KEYCTL_(GET_ID, 0, 0));
    CHECK(KEYCTL_(JOIN, NULL) == KEYCTL_(GET_ID, SE, 0));
    CHECK(KEYCTL_(GET_ID, TH, 1) > 0 && KEYCTL_(GET_ID, PR, 1) > 0);
    CHECK(KEYCTL_(GET_ID, TH, 0) == KEYCTL_(GET_ID, TH, 1));
    say_what("thread", TH);
    say_what("process", PR);
    say_what("session", SE);
    say_what("user", US);
    say_what("user's session", UN);
    CHECK_ERR(EPERM, KEYCTL_(JOIN, ".builtin_trusted_keys"));
    CHECK_ERR(EINVAL, KEYCTL_(JOIN, ""));
}

static void adding(void)
{
    CHECK_ERR(EFAULT, add("user", "a", NULL, 1, TH));
    CHECK_ERR(EINVAL, add("user", "a", NULL, 0, TH));
    CHECK_ERR(EINVAL, add("keyring", "a", "x", 1, TH));
    CHECK_ERR(EINVAL, add("", "a", "x", 1, TH));
    CHECK_ERR(EPERM, add(".dead", "a", "x", 1, TH));
    CHECK_ERR(ENODEV, add("nosuch", "a", "x", 1, TH));
    CHECK_ERR(EFAULT, add("nosuch", "a", NULL, 1, TH));
    CHECK_ERR(EINVAL, add("logon", "nocolon", "x", 1, TH));
    CHECK_ERR(EINVAL, add("logon", ":x", "x", 1, TH));
    CHECK_ERR(EINVAL, add("user", "", "x", 1, TH));
    CHECK_ERR(EINVAL, add("user", NULL, "x", 1, TH));
    CHECK_ERR(EPERM, add("keyring", ".x", NULL, 0, TH));
    CHECK_ERR(ENOKEY, add("user", "a", "x", 1, 12345));
    CHECK_ERR(EINVAL, add("user", "a", "x", 1, 0));
    memset(buf, 'x', sizeof buf);
    CHECK(add("user", "big", buf, 32767, TH) > 0);
    CHECK_ERR(EINVAL, add("user", "bigger", buf, 32768, TH));
    buf[4095] = 0;
    CHECK(add("user", buf, "b", 1, TH) > 0);
    buf[4095] = 'x';
    CHECK_ERR(EINVAL, add("user", buf, "b", 1, TH));
}

static void reading(void)
{
    long k = add("user", "k1", "abcdef", 6, SE), l = add("logon", "a:l", "zz", 2, SE);

    say_what("key", k);
    say_what("logon", l);
    memset(buf, 0, 10);
    CHECK(KEYCTL_(READ, k, NULL, 0) == 6);
    CHECK(KEYCTL_(READ, k, buf, 3) == 6 && buf[0] == 0);
    CHECK(KEYCTL_(READ, k, buf, 6) == 6 && memcmp(buf, "abcdef", 6) == 0);
    CHECK(add("user", "k1", "new", 3, SE) == k && KEYCTL_(READ, k, NULL, 0) == 3);
    CHECK(KEYCTL_(UPDATE, k, "zz", 2) == 0 && KEYCTL_(READ, k, NULL, 0) == 2);
    CHECK_ERR(EFAULT, KEYCTL_(UPDATE, k, NULL, 2));
    CHECK_ERR(EINVAL, KEYCTL_(UPDATE, k, NULL, 0));
    CHECK_ERR(EOPNOTSUPP, KEYCTL_(READ, l, buf, 9));
    CHECK_ERR(ENOKEY, KEYCTL_(READ, 12345, buf, 9));
    CHECK_ERR(ENOKEY, KEYCTL_(READ, -20, buf, 9));
    CHECK_ERR(ENOTDIR, KEYCTL_(CLEAR, k));
    CHECK(KEYCTL_(GET_SECURITY, k, NULL, 0) == 1);
}

static void linking(void)
{
    long k = add("user", "k1", "abc", 3, SE), ring = add("keyring", "ring", NULL, 0, SE);
    long in = add("keyring", "in", NULL, 0, ring), to = add("keyring", "to", NULL, 0, SE);
    int32_t held[4] = { 0 };

    say_what("ring", ring);
    CHECK(KEYCTL_(LINK, k, in) == 0 && KEYCTL_(LINK, k, in) == 0);
    CHECK(KEYCTL_(READ, in, held, sizeof held) == 4 && held[0] == k);
    CHECK_ERR(EOPNOTSUPP, KEYCTL_(UPDATE, in, "a", 1));
    CHECK_ERR(EDEADLK, KEYCTL_(LINK, ring, in));
    CHECK_ERR(EDEADLK, KEYCTL_(LINK, ring, ring));
    CHECK_ERR(ENOTDIR, KEYCTL_(LINK, k, k));
    CHECK(KEYCTL_(SEARCH, ring, "user", "k1", 0) == k);
    CHECK_ERR(ENOKEY, KEYCTL_(SEARCH, ring, "user", "none", 0));
    CHECK_ERR(ENOTDIR, KEYCTL_(SEARCH, k, "user", "k1", 0));
    CHECK(KEYCTL_(MOVE, k, in, to, 0) == 0);
    CHECK_ERR(ENOENT, KEYCTL_(MOVE, k, in, to, 0));
    CHECK(KEYCTL_(SEARCH, to, "user", "k1", ring) == k);
    CHECK(KEYCTL_(READ, ring, held, sizeof held) == 8);
    CHECK(KEYCTL_(UNLINK, k, ring) == 0);
    CHECK_ERR(ENOENT, KEYCTL_(UNLINK, k, ring));
    CHECK(KEYCTL_(CLEAR, ring) == 0 && KEYCTL_(READ, ring, held, sizeof held) == 0);
    for (int i = 0; i < 40; i++) { /* as many as fill a node of the judge's, and more */
        char name[16];
        snprintf(name, sizeof name, "many%d", i);
        CHECK(add("user", name, "x", 1, ring) > 0);
    }
    CHECK(KEYCTL_(READ, ring, NULL, 0) == 160);
    CHECK(KEYCTL_(CLEAR, ring) == 0);
}

/* What /proc/keys tells of a key of that name, without its number and how often it is held. */
static void say_row(const char *name)
{
    FILE *f = fopen("/proc/keys", "r");
    char row[300], *at;

    while (f && fgets(row, sizeof row, f))
        if ((at = strstr(row, name)) && (at[strlen(name)] == ':' || at[strlen(name)] == '\n'))
            SAY("%.8s%s", row + 8, row + 8 + 8 + 6);
    if (f)
        fclose(f);
}

static void listing(void)
{
    long k = add("user", "row user", "abc", 3, SE), r = add("keyring", "row ring", NULL, 0, SE);

    add("logon", "row:logon", "abcd", 4, SE);
    say_row("row user");
    say_row("row ring");
    say_row("row:logon");
    CHECK(KEYCTL_(LINK, k, r) == 0 && KEYCTL_(CHOWN, k, 0, 55) == 0);
    say_row("row ring");
    CHECK(KEYCTL_(SET_TIMEOUT, k, 7 * 86400 + 100) == 0);
    say_row("row user");
    CHECK(KEYCTL_(SET_TIMEOUT, k, 3700) == 0);
    say_row("row user");
    CHECK(KEYCTL_(REVOKE, k) == 0);
    say_row("row user");
    ask("user", "row neg", "info", r);
    CHECK(KEYCTL_(SETPERM, r, 0x3e3f0000) == 0);
    say_row("row ring"); /* which root's rights let see */
    CHECK(KEYCTL_(SETPERM, r, 0x3e3e3e3e) == 0);
    say_row("row ring");
}

static void restricting(void)
{
    long ring = add("keyring", "full", NULL, 0, SE), k = add("user", "k1", "abc", 3, SE);
    long in = add("user", "k2", "abc", 3, ring), to = add("keyring", "to", NULL, 0, SE);

    CHECK_ERR(EINVAL, KEYCTL_(RESTRICT, ring, NULL, "rule"));
    CHECK_ERR(EINVAL, KEYCTL_(RESTRICT, ring, "user", NULL));
    CHECK_ERR(EFAULT, KEYCTL_(RESTRICT, ring, "user", 8));
    CHECK_ERR(ENOKEY, KEYCTL_(RESTRICT, ring, "nosuch", "rule"));
    CHECK_ERR(ENOENT, KEYCTL_(RESTRICT, ring, "user", "rule"));
    CHECK_ERR(EPERM, KEYCTL_(RESTRICT, ring, ".user", "rule"));
    CHECK_ERR(ENOTDIR, KEYCTL_(RESTRICT, k, NULL, NULL));
    CHECK_ERR(ENOKEY, KEYCTL_(RESTRICT, 0x7fffffff, NULL, NULL));
    CHECK(KEYCTL_(RESTRICT, ring, NULL, NULL) == 0);
    CHECK_ERR(EEXIST, KEYCTL_(RESTRICT, ring, NULL, NULL));
    CHECK_ERR(EPERM, KEYCTL_(LINK, k, ring));
    CHECK_ERR(EPERM, KEYCTL_(LINK, ring, ring));
    CHECK_ERR(EPERM, KEYCTL_(MOVE, k, SE, ring, 0));
    CHECK_ERR(EPERM, add("user", "k3", "x", 1, ring));
    CHECK_ERR(EPERM, add("user", "k2", "x", 1, ring)); /* which is there */
    CHECK(KEYCTL_(SEARCH, ring, "user", "k2", 0) == in && KEYCTL_(UPDATE, in, "x", 1) == 0);
    CHECK(KEYCTL_(MOVE, in, ring, to, 0) == 0);
    CHECK(KEYCTL_(SETPERM, to, 0x1f1f1f1f) == 0);
    CHECK_ERR(EACCES, KEYCTL_(RESTRICT, to, NULL, NULL));
    CHECK(KEYCTL_(SETPERM, k, 0x3e3e3e3e) == 0);
    CHECK_ERR(EACCES, KEYCTL_(DESCRIBE, k, NULL, 0));
    CHECK_ERR(ENOKEY, KEYCTL_(GET_SECURITY, k, NULL, 0));
}

static void asking(void)
{
    long ring = add("keyring", "asked", NULL, 0, SE), k = add("user", "k2", "v", 1, ring);
    int32_t held[2] = { 0 };

    CHECK(ask("user", "k2", NULL, 0) == k);
    CHECK_ERR(ENOKEY, ask("user", "none", NULL, 0));
    CHECK_ERR(ENOKEY, ask("nosuch", "none", "info", 0));
    CHECK_ERR(EPERM, ask("keyring", "none", "info", 0));
    CHECK(ask("user", "neg", "info", ring) == -1);
    CHECK(KEYCTL_(READ, ring, held, sizeof held) == 8);
    long neg = held[0] == k ? held[1] : held[0];
    say_what("negative", neg);
    CHECK_ERR(ENOKEY, KEYCTL_(READ, neg, buf, 9));
    CHECK_ERR(ENOKEY, ask("user", "neg", NULL, 0));
    CHECK_ERR(ENOKEY, ask("user", "neg", "info", 0));
    CHECK(add("user", "neg", "now", 3, ring) == neg && KEYCTL_(READ, neg, buf, 9) == 3);
    CHECK(KEYCTL_(SET_REQKEY, -1) == 0 && KEYCTL_(SET_REQKEY, 1) == 0);
    CHECK(KEYCTL_(SET_REQKEY, -1) == 1 && KEYCTL_(SET_REQKEY, 0) == 1);
    CHECK_ERR(EINVAL, KEYCTL_(SET_REQKEY, 8));
    CHECK_ERR(EPERM, KEYCTL_(NEGATE, k, 1, 0));
    CHECK_ERR(ENOKEY, KEYCTL_(ASSUME, k));
}

static void ending(void)
{
    long k = add("user", "end", "v", 1, SE), r = add("user", "rev", "v", 1, SE);
    long i = add("user", "inv", "v", 1, SE);

    CHECK(KEYCTL_(SET_TIMEOUT, k, 1) == 0 && KEYCTL_(READ, k, buf, 9) == 1);
    CHECK(KEYCTL_(REVOKE, r) == 0);
    CHECK_ERR(EKEYREVOKED, KEYCTL_(READ, r, buf, 9) == -1 ? KEYCTL_(DESCRIBE, r, buf, 99) : 0);
    CHECK_ERR(EKEYREVOKED, KEYCTL_(REVOKE, r));
    CHECK(add("user", "rev", "v", 1, SE) != r);
    CHECK(KEYCTL_(INVALIDATE, i) == 0);
    CHECK(WAIT_UNTIL(KEYCTL_(READ, i, buf, 9) < 0 && errno == ENOKEY));
    CHECK(WAIT_UNTIL(KEYCTL_(DESCRIBE, k, buf, 99) < 0 && errno == EKEYEXPIRED));
    SAY("asked for what has ended: %d\n", ask("user", "end", NULL, 0) < 0 ? errno : 0);
    SAY("looked for what has ended: %d\n", KEYCTL_(SEARCH, SE, "user", "end", 0) < 0 ? errno : 0);
    r = add("user", "rev", "v", 1, SE);
    CHECK(KEYCTL_(REVOKE, r) == 0);
    SAY("asked for what was revoked: %d\n", ask("user", "rev", NULL, 0) < 0 ? errno : 0);
}

static void rights(void)
{
    long k = add("user", "mine", "v", 1, SE);

    CHECK_ERR(EINVAL, KEYCTL_(SETPERM, k, 0x40000000));
    CHECK(KEYCTL_(CHOWN, k, 0, 55) == 0 && KEYCTL_(SETPERM, k, 0x3f030200) == 0);
    say_what("another group's", k);
    CHECK(KEYCTL_(SETPERM, k, 0x20000000) == 0 && KEYCTL_(READ, k, buf, 9) == -1 &&
          errno == EACCES);
    CHECK_ERR(EACCES, KEYCTL_(DESCRIBE, k, buf, 99));
    CHECK_ERR(EACCES, KEYCTL_(UPDATE, k, "x", 1));
    CHECK(KEYCTL_(SETPERM, SE, 0x0b0b0000) == 0);
    CHECK_ERR(EACCES, ask("keyring", "desc", "info", SE));
    CHECK_ERR(EACCES, add("user", "x", "x", 1, SE));
}

/* Another user sees what is his, and has room for so much. */
static void of_another(void)
{
    long k = add("user", "roots", "v", 1, SE);
    int added = 0;

    int uid = 100000 + check_self; /* with nothing that an earlier run has left */
    CHECK(setgid(65534) == 0 && setuid(uid) == 0);
    CHECK(KEYCTL_(READ, k, buf, 9) == 1); /* the session is still root's */
    CHECK(KEYCTL_(JOIN, NULL) > 0);
    CHECK_ERR(EACCES, KEYCTL_(READ, k, buf, 9));
    CHECK(KEYCTL_(DESCRIBE, US, buf, sizeof buf) > 0 && strstr(buf, ";65534;1f3f0000;_uid.1"));
    while (added < 300) {
        char name[16];
        snprintf(name, sizeof name, "a%d", added);
        if (add("user", name, "abc", 3, TH) < 0)
            break;
        added++;
    }
    CHECK(errno == EDQUOT && added > 190 && added < 200);
    CHECK_ERR(EDQUOT, add("user", "a0", buf, 19000, TH));
    CHECK(KEYCTL_(CLEAR, TH) == 0);
}

static void kept(void)
{
    long session = KEYCTL_(JOIN, "by name");
    int go[2];
    char number[16];

    say_what("named", SE);
    CHECK(KEYCTL_(GET_ID, TH, 1) > 0 && KEYCTL_(GET_ID, PR, 1) > 0);
    CHECK(CHILD(CHECK(KEYCTL_(GET_ID, SE, 0) == session); CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, PR, 0));
                CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, TH, 0));
                CHECK(KEYCTL_(JOIN, NULL) != session)) == 0);
    CHECK(KEYCTL_(GET_ID, SE, 0) == session);
    snprintf(number, sizeof number, "%ld", session);
    CHECK(pipe(go) == 0);
    CHECK(CHILD(KEYCTL_(GET_ID, PR, 1); execl("/proc/self/exe", "keys", number, (char *)NULL)) ==
          EXITED(0));
}

static void test(void)
{
    const char *args = slurp("/proc/self/cmdline");
    long session = atol(args + strlen(args) + 1);

    if (session > 0) { /* what kept() has started */
        CHECK(KEYCTL_(GET_ID, SE, 0) == session);
        CHECK_ERR(ENOKEY, KEYCTL_(GET_ID, PR, 0));
        return;
    }
    CHECK(CHILD(rings(); adding(); reading(); linking()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); listing()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); restricting()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); asking()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); ending()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); rights()) == 0);
    CHECK(CHILD(KEYCTL_(JOIN, NULL); CHECK(CHILD(of_another()) == 0)) == 0);
    CHECK(CHILD(kept()) == 0);
}

/* links: vmm/root/xattrs.c */
/* What a file's mode becomes without its ACL: nobody gets more than with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "vmm/root/xattrs.h"

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct entry {
    uint16_t tag, perm;
    uint32_t id;
};
#define MODE_OF(mode, ...) \
    ({ \
        struct { \
            uint32_t version; \
            struct entry e[sizeof((struct entry[]){ __VA_ARGS__ }) / sizeof(struct entry)]; \
        } acl_ = { 2, { __VA_ARGS__ } }; \
        xattrs_mode_without_acl(mode, &acl_, sizeof(acl_)); \
    })

static void a_mask_is_no_right_of_the_group(void **state)
{
    (void)state;
    /* setfacl -m u:1000:rw on 0600: the mode shows rw for the group, which has nothing */
    assert_int_equal(MODE_OF(0100660, { USER_OBJ, 6, 0 }, { USER, 6, 1000 }, { GROUP_OBJ, 0, 0 },
                             { MASK, 6, 0 }, { OTHER, 0, 0 }),
                     0100600);
    assert_int_equal(MODE_OF(0100664, { USER_OBJ, 6, 0 }, { USER, 6, 1000 }, { GROUP_OBJ, 4, 0 },
                             { MASK, 6, 0 }, { OTHER, 4, 0 }),
                     0100644);
}

static void who_is_kept_out_by_name_stays_out(void **state)
{
    (void)state;
    assert_int_equal(MODE_OF(0100644, { USER_OBJ, 6, 0 }, { USER, 0, 1000 }, { GROUP_OBJ, 4, 0 },
                             { MASK, 4, 0 }, { OTHER, 4, 0 }),
                     0100600);
    assert_int_equal(MODE_OF(0100755, { USER_OBJ, 7, 0 }, { GROUP_OBJ, 5, 0 }, { GROUP, 4, 7 },
                             { MASK, 7, 0 }, { OTHER, 5, 0 }),
                     0100744);
}

static void the_rest_of_the_mode_stays(void **state)
{
    (void)state;
    assert_int_equal(MODE_OF(0106775, { USER_OBJ, 7, 0 }, { GROUP_OBJ, 7, 0 }, { OTHER, 5, 0 }),
                     0106775);
    /* the mode's bits are less than the ACL's: they stay less */
    assert_int_equal(MODE_OF(0100700, { USER_OBJ, 7, 0 }, { GROUP_OBJ, 7, 0 }, { OTHER, 7, 0 }),
                     0100700);
}

static void what_is_no_acl_changes_nothing(void **state)
{
    (void)state;
    static const uint8_t other_version[12] = { 3, 0, 0, 0, GROUP_OBJ };
    static const uint8_t cut[11] = { 2, 0, 0, 0, GROUP_OBJ };
    assert_int_equal(xattrs_mode_without_acl(0100660, other_version, sizeof(other_version)),
                     0100660);
    assert_int_equal(xattrs_mode_without_acl(0100660, cut, sizeof(cut)), 0100660);
    assert_int_equal(xattrs_mode_without_acl(0100660, cut, 3), 0100660);
    assert_int_equal(xattrs_mode_without_acl(0100660, cut, 4), 0100660);
    assert_int_equal(xattrs_mode_without_acl(0100660, NULL, 0), 0100660);
    assert_false(xattrs_wanted(XATTRS_ACL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mask_is_no_right_of_the_group),
        cmocka_unit_test(who_is_kept_out_by_name_stays_out),
        cmocka_unit_test(the_rest_of_the_mode_stays),
        cmocka_unit_test(what_is_no_acl_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

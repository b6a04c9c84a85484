#include "node/edge/tls_files.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/attr.h"
#include "common/base/slice.h"
#include "tests/unit/node/edge/certs.h"

static char dir[] = "/tmp/edge-tls-XXXXXX";

static void in_dir(void)
{
    cr_assert_not_null(mkdtemp(dir));
    cr_assert_eq(chdir(dir), 0);
    cert_write(CERT_EC, "ec.pem", "ec.key");
    cert_write(CERT_RSA, "rsa.pem", "rsa.key");
    cert_write(CERT_RSA_SHORT, "short.pem", "short.key");
}

static void out_of_dir(void)
{
    static const char *const files[] = {"ec.pem", "ec.key", "rsa.pem", "rsa.key", "short.pem", "short.key"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        unlink(files[i]);
    rmdir(dir);
}

Test(tls_files, good_pairs_pass_and_their_kinds_differ, .init = in_dir, .fini = out_of_dir)
{
    char why[256] = "";
    int ec = 0, rsa = 0;
    cr_assert_eq(tls_files_check("ec.pem", "ec.key", &ec, WHY_IN(why)), ERR_OK, "%s", why);
    cr_assert_eq(tls_files_check("rsa.pem", "rsa.key", &rsa, WHY_IN(why)), ERR_OK, "%s", why);
    cr_assert_neq(ec, rsa);
}

Test(tls_files, what_is_wrong_is_said_with_the_files_name, .init = in_dir, .fini = out_of_dir)
{
    static const struct {
        const char *cert, *key, *says;
        enum err e;
    } cases[] = {
        {"none.pem", "ec.key", "\"none.pem\": cannot be read: No such file", ERR_IO},
        {"ec.pem", "none.key", "\"none.key\": cannot be read: No such file", ERR_IO},
        {"ec.key", "ec.key", "\"ec.key\": holds no certificate", ERR_SYNTAX},
        {"ec.pem", "ec.pem", "\"ec.pem\": holds no private key", ERR_SYNTAX},
        {"ec.pem", "rsa.key", "\"rsa.key\": does not belong to the certificate \"ec.pem\"", ERR_SYNTAX},
        {"short.pem", "short.key", "2048 bits", ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char why[256] = "";
        int kind = -7;
        cr_assert_eq(tls_files_check(cases[i].cert, cases[i].key, &kind, WHY_IN(why)), cases[i].e);
        cr_assert_not_null(strstr(why, cases[i].says), "\"%s\" instead of \"%s\"", why, cases[i].says);
        cr_assert_eq(kind, -7);
    }
}

#include "tests/unit/node/edge/certs.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>

static EVP_PKEY *key_make(enum cert_kind kind)
{
    switch (kind) {
    case CERT_EC:
        return EVP_EC_gen("P-256");
    case CERT_RSA:
        return EVP_RSA_gen(2048);
    case CERT_RSA_SHORT:
        return EVP_RSA_gen(1024);
    }
    return NULL;
}

void cert_write(enum cert_kind kind, const char *cert_path, const char *key_path)
{
    static long serial;
    EVP_PKEY *key = key_make(kind);
    X509 *cert = X509_new();
    cr_assert(key && cert);
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    cr_assert_gt(X509_sign(cert, key, EVP_sha256()), 0);

    FILE *f = fopen(cert_path, "w");
    cr_assert(f && PEM_write_X509(f, cert) == 1);
    fclose(f);
    f = fopen(key_path, "w");
    cr_assert(f && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

#include "node/edge/tls_files.h"

#include <errno.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

enum { RSA_BITS_MIN = 2048 };

/* Without one of our own OpenSSL asks the terminal. */
static int on_passphrase(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static enum err file_open(const char *what, const char *path, BIO **ret_bio, struct why why)
{
    errno = 0;
    BIO *bio = BIO_new_file(path, "r");
    if (!bio)
        return why_fail(why, ERR_IO, "%s \"%s\": cannot be read: %s", what, path, strerror(errno));
    *ret_bio = bio;
    return ERR_OK;
}

static enum err cert_read(const char *path, X509 **ret_cert, struct why why)
{
    BIO *bio = NULL;
    enum err e = file_open("TLS certificate", path, &bio, why);
    if (e)
        return e;
    X509 *cert = PEM_read_bio_X509(bio, NULL, on_passphrase, NULL);
    BIO_free(bio);
    if (!cert)
        return why_fail(why, ERR_SYNTAX, "TLS certificate \"%s\": holds no certificate in PEM form", path);
    *ret_cert = cert;
    return ERR_OK;
}

static enum err key_read(const char *path, EVP_PKEY **ret_key, struct why why)
{
    BIO *bio = NULL;
    enum err e = file_open("TLS key", path, &bio, why);
    if (e)
        return e;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, NULL);
    BIO_free(bio);
    if (!key)
        return why_fail(why, ERR_SYNTAX, "TLS key \"%s\": holds no private key in PEM form without a passphrase", path);
    *ret_key = key;
    return ERR_OK;
}

enum err tls_files_check(const char *cert_path, const char *key_path, int *ret_key_kind, struct why why)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    enum err e = cert_read(cert_path, &cert, why);
    if (!e)
        e = key_read(key_path, &key, why);
    if (!e && X509_check_private_key(cert, key) != 1)
        e = why_fail(why, ERR_SYNTAX, "TLS key \"%s\": does not belong to the certificate \"%s\"", key_path, cert_path);
    if (!e && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN)
        e = why_fail(why, ERR_SYNTAX, "TLS key \"%s\": an RSA key needs %d bits or more", key_path, RSA_BITS_MIN);
    if (!e)
        *ret_key_kind = EVP_PKEY_get_base_id(key);
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
    return e;
}

#include "node/edge/tls_files.h"

#include <errno.h>
#include <stdio.h>
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

static enum err file_open(const char *what, const char *path, BIO **ret_bio, char *why, size_t why_size)
{
    errno = 0;
    BIO *bio = BIO_new_file(path, "r");
    if (!bio) {
        snprintf(why, why_size, "%s \"%s\": cannot be read: %s", what, path, strerror(errno));
        return ERR_IO;
    }
    *ret_bio = bio;
    return ERR_OK;
}

static enum err cert_read(const char *path, X509 **ret_cert, char *why, size_t why_size)
{
    BIO *bio;
    enum err e = file_open("TLS certificate", path, &bio, why, why_size);
    if (e)
        return e;
    X509 *cert = PEM_read_bio_X509(bio, NULL, on_passphrase, NULL);
    BIO_free(bio);
    if (!cert) {
        snprintf(why, why_size, "TLS certificate \"%s\": holds no certificate in PEM form", path);
        return ERR_SYNTAX;
    }
    *ret_cert = cert;
    return ERR_OK;
}

static enum err key_read(const char *path, EVP_PKEY **ret_key, char *why, size_t why_size)
{
    BIO *bio;
    enum err e = file_open("TLS key", path, &bio, why, why_size);
    if (e)
        return e;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, NULL);
    BIO_free(bio);
    if (!key) {
        snprintf(why, why_size, "TLS key \"%s\": holds no private key in PEM form without a passphrase", path);
        return ERR_SYNTAX;
    }
    *ret_key = key;
    return ERR_OK;
}

enum err tls_files_check(const char *cert_path, const char *key_path, int *ret_key_kind, char *why, size_t why_size)
{
    X509 *cert = NULL;
    EVP_PKEY *key = NULL;
    enum err e = cert_read(cert_path, &cert, why, why_size);
    if (!e)
        e = key_read(key_path, &key, why, why_size);
    if (!e && X509_check_private_key(cert, key) != 1) {
        snprintf(why, why_size, "TLS key \"%s\": does not belong to the certificate \"%s\"", key_path, cert_path);
        e = ERR_SYNTAX;
    }
    if (!e && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < RSA_BITS_MIN) {
        snprintf(why, why_size, "TLS key \"%s\": an RSA key needs %d bits or more", key_path, RSA_BITS_MIN);
        e = ERR_SYNTAX;
    }
    if (!e)
        *ret_key_kind = EVP_PKEY_get_base_id(key);
    EVP_PKEY_free(key);
    X509_free(cert);
    ERR_clear_error();
    return e;
}

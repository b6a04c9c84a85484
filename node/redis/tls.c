#include "node/redis/tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

struct tls_trust {
    SSL_CTX *ctx;
};

struct tls {
    SSL *ssl;
    BIO *in;
    BIO *out;
    char why[160];
};

struct tls_trust *tls_trust_create(const char *ca, struct why why)
{
    struct tls_trust *trust = calloc(1, sizeof *trust);
    ERR_clear_error();
    if (!trust || !(trust->ctx = SSL_CTX_new(TLS_client_method()))) {
        why_fail(why, ERR_NO_MEMORY, "TLS could not be set up");
        free(trust);
        return NULL;
    }
    SSL_CTX_set_min_proto_version(trust->ctx, TLS1_2_VERSION);
    SSL_CTX_set_verify(trust->ctx, SSL_VERIFY_PEER, NULL);
    if (ca ? !SSL_CTX_load_verify_locations(trust->ctx, ca, NULL) : !SSL_CTX_set_default_verify_paths(trust->ctx)) {
        why_fail(why, ERR_IO, "the CA file can't be read, or is no PEM: %s", ca ? ca : "the system's");
        ERR_clear_error();
        tls_trust_destroy(trust);
        return NULL;
    }
    return trust;
}

void tls_trust_destroy(struct tls_trust *trust)
{
    if (trust) {
        SSL_CTX_free(trust->ctx);
        free(trust);
    }
}

static bool expect_host(SSL *ssl, const char *host)
{
    unsigned char address[sizeof(struct in6_addr)];
    char name[NI_MAXHOST]; /* OpenSSL's macro casts const away */
    if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    int n = snprintf(name, sizeof name, "%s", host);
    return n > 0 && (size_t)n < sizeof name && SSL_set1_host(ssl, name) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

struct tls *tls_create(struct tls_trust *trust, const char *host)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls)
        return NULL;
    tls->ssl = SSL_new(trust->ctx);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out || !expect_host(tls->ssl, host)) {
        SSL_free(tls->ssl);
        BIO_free(tls->in);
        BIO_free(tls->out);
        free(tls);
        return NULL;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    return tls;
}

void tls_destroy(struct tls *tls)
{
    if (tls) {
        SSL_free(tls->ssl);
        free(tls);
    }
}

void tls_feed(struct tls *tls, struct slice bytes)
{
    /* A memory BIO takes everything or memory is out, and then the next step fails. */
    (void)!BIO_write(tls->in, bytes.p, (int)bytes.n);
}

/* 0: only more bytes are needed. -1: it is over, and `why` tells. The error queue is the thread's, not ours: leave it empty. */
static int explain(struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    long verified = SSL_get_verify_result(tls->ssl);
    unsigned long code = ERR_peek_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;

    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        return 0;
    if (error == SSL_ERROR_ZERO_RETURN)
        reason = "closed by Redis";
    else if (verified != X509_V_OK)
        reason = X509_verify_cert_error_string(verified);
    snprintf(tls->why, sizeof tls->why, "TLS: %s", reason ? reason : "failed");
    ERR_clear_error();
    return -1;
}

int tls_handshake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);

    return result == 1 ? 1 : explain(tls, result);
}

ssize_t tls_read(struct tls *tls, char *p, size_t n)
{
    ERR_clear_error();
    int result = SSL_read(tls->ssl, p, n < INT_MAX ? (int)n : INT_MAX);

    return result > 0 ? result : explain(tls, result);
}

bool tls_write(struct tls *tls, struct slice bytes)
{
    ERR_clear_error();
    int result = bytes.n <= INT_MAX ? SSL_write(tls->ssl, bytes.p, (int)bytes.n) : -1;

    if (result == (int)bytes.n)
        return true;
    explain(tls, result);
    return false;
}

void tls_take_output(struct tls *tls, struct buf *out)
{
    size_t n = BIO_ctrl_pending(tls->out);
    char *p = n > 0 && n <= INT_MAX ? buf_reserve(out, n) : NULL;
    if (p && BIO_read(tls->out, p, (int)n) == (int)n)
        buf_commit(out, n);
}

const char *tls_why(const struct tls *tls)
{
    return tls->why;
}

/**
 * The certificate and key files, looked at before libwebsockets loads them: it says nothing useful about bad ones, and during a reload
 * it would keep half of them.
 */
#ifndef NODE_EDGE_TLS_FILES_H
#define NODE_EDGE_TLS_FILES_H

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/why.h"

/**
 * ERR_OK if both are PEM, belong together and are strong enough; *ret_key_kind then tells the kinds of keys apart (RSA, EC, …). Otherwise ERR_IO
 * or ERR_SYNTAX and a sentence in `why` that names the file.
 */
enum err tls_files_check(const char *cert, const char *key, int *ret_key_kind, struct why why) ATTR_MUST_USE;

#endif

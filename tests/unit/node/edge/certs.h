/** Self-signed certificates for localhost, made on the spot. */
#ifndef TESTS_UNIT_NODE_EDGE_CERTS_H
#define TESTS_UNIT_NODE_EDGE_CERTS_H

enum cert_kind { CERT_EC, CERT_RSA, CERT_RSA_SHORT };

/** Writes a new key and its certificate as PEM. */
void cert_write(enum cert_kind, const char *cert_path, const char *key_path);

#endif

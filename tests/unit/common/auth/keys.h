/**
 * Keys for tests, made for them with openssl's command line; they guard nothing.
 */
#ifndef TESTS_UNIT_COMMON_AUTH_KEYS_H
#define TESTS_UNIT_COMMON_AUTH_KEYS_H

#define TEST_SECRET "a secret for tests, 32 bytes long"

/** RSA 2048. */
#define TEST_RSA_PRIVATE                                                 \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC6WgTrsx7LQQ55\n" \
    "S8EaV6FQPFffFR6q1GHpBCaRhVo7UcQM50sh+Zpypi5MkAaRzwpYvcCCmCXsm+FA\n" \
    "l7JCyGlFbtwUbMNfIC00pkAEYxT9JprfkpXm1/MsC47dtV9Vw1vp8wwbcyocf6O2\n" \
    "kviukJI38PszWSnp412yM7WgrRyX0SIGlv8CKKfxngNgj1TFXbuM9wG7ABdeYHi3\n" \
    "fPoh6e/a/YHQnfwBQhGj9IZzFgRh/fGpQBXbZFeQpHKJKiOTzgVqD5bbVJbpseH1\n" \
    "Cjz9rzWyJ/QEk6Wd+KhUrf22l/HvZztwMANio97x1CsjrEoVx6NkBQ7g52t5YqPY\n" \
    "cun2ARXXAgMBAAECggEAArE9r9Dxi89dYis/vB2ySKlWhxjdTbTSrnThd3wxvYrO\n" \
    "BlGzcVUTlHWceQ/ZWrw6dy7mpSDzVHYXg5yI4+9CdhpZEoJ46UikAyGTxXx0ab9V\n" \
    "nFi8rkUhmSMGLxppcjMw8DITU0bGG0RxZjgqhVaQPRs9oUslorwCNxzktuK3HC70\n" \
    "trkvvQKhKTF+gbaj9kvNa5imjWqMge7UK0DKYQkAXG7R0fYyVQhct3wjpsvG9FIh\n" \
    "GeNoGX/+4UpraipQDGjivIYuCi415ITk75iHUzWm87QumfJAqN0KiU1r7vUqpHyc\n" \
    "Yu9n58XCF3vVtOkXlzTgo2L9kz9NKNGKZkgAVdiCwQKBgQDrRx3EAAb6h6YMFWFU\n" \
    "Kq7CShAEPTCrVjttrExLQuZ/R24s75s2Zv+DfVv7PfUwAJZOLd9NyXJHNAz1RV+0\n" \
    "qExBIhIIIjuBMPmG02hyVUj3r1oV1tedjgTBH1FL3P4tlpPwtEJRcUHQTV84j2JW\n" \
    "FURPvITnwTQjSLaxIiobX3ki7wKBgQDKw7/Jodu4vXN9TS/d5fybfYOvr0Kek4Zs\n" \
    "5RRHLJVeuwX+Te0QH6JVVmmn7DS/9eQ90ZqkwR5NMcEDNZLVirG8o4NuLnKErykN\n" \
    "wDZmTl96XH3Vajh4AIG9A+9JTt/wZRPxtmw7W4kaqpRMI9TdNdeRsLdbW0DYTXNO\n" \
    "EUBf7tQbmQKBgDBuxFbbtpQOJoVoRU/hNXZzbpagzgsHRlaOWGpJzE85Mhn3/RiW\n" \
    "3VSBEtVGbNnD1S0kzkoiBO9ZbK106X20A3aI//NCsMMohMVXcbHPkqTCKSZDwsEB\n" \
    "QkNLIh4e0QgrbirnwJspWGX793UaNyEHYbeUVDutDwGQb2NJaCeYYMRrAoGBALEc\n" \
    "98QKrEDcy6qh57Pulw7DPmoRryGRP5STLXlWSktrFjsimnbBCy17w+K4gwNCqFIP\n" \
    "awOK5QsM8Mn62/3HnqVmNwHhdIrN7hBi26HVx7S8YfYvSJAZ8TnH3Bau3RHBWQCE\n" \
    "FlprBIHUiqFPkzp/M4PBVwhn12aZkKSakR67IW/RAoGATYsBEeERCL04iZ20POn6\n" \
    "2qyT2vOVxdFMQQ9HHbqMZ0nPoivxrSEl//vNPxa8AIx4M3vdVEy2SP0YFFDXNNfw\n" \
    "RUQtBK1s6L15wSXPzyCeYp/+F6EKjdiptREMeRPDY8TqY51X+gnCcdTSg/YfBbaJ\n" \
    "fTFGOOVA04z6sHd8JzP7PZg=\n"                                         \
    "-----END PRIVATE KEY-----\n"
/** Its public half. */
#define TEST_RSA_PUBLIC                                                  \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuloE67Mey0EOeUvBGleh\n" \
    "UDxX3xUeqtRh6QQmkYVaO1HEDOdLIfmacqYuTJAGkc8KWL3Agpgl7JvhQJeyQshp\n" \
    "RW7cFGzDXyAtNKZABGMU/Saa35KV5tfzLAuO3bVfVcNb6fMMG3MqHH+jtpL4rpCS\n" \
    "N/D7M1kp6eNdsjO1oK0cl9EiBpb/Aiin8Z4DYI9UxV27jPcBuwAXXmB4t3z6Ienv\n" \
    "2v2B0J38AUIRo/SGcxYEYf3xqUAV22RXkKRyiSojk84Fag+W21SW6bHh9Qo8/a81\n" \
    "sif0BJOlnfioVK39tpfx72c7cDADYqPe8dQrI6xKFcejZAUO4OdreWKj2HLp9gEV\n" \
    "1wIDAQAB\n"                                                         \
    "-----END PUBLIC KEY-----\n"
/** Too weak. */
#define TEST_RSA1024_PUBLIC                                              \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDi37PaEQZVdrZeul7PCkuSQBhv\n" \
    "j4iaWxW1652Aw6kPJlr7nkmSwHh2u5A118CnqkOr+/OW1bYaprZ45VtxyunAS9Nb\n" \
    "qho7uFoGbbDNUQePBsLoH9sRfAQ3QgkpdTBFNcLNXxxRpvbk5FpZMcTIwL9+H/Ot\n" \
    "HysatbMt2BAfbImCRQIDAQAB\n"                                         \
    "-----END PUBLIC KEY-----\n"
/** P-256, with the parameters before it that `openssl ecparam -genkey` writes. */
#define TEST_P256_PRIVATE                                                \
    "-----BEGIN EC PARAMETERS-----\n"                                    \
    "BggqhkjOPQMBBw==\n"                                                 \
    "-----END EC PARAMETERS-----\n"                                      \
    "-----BEGIN EC PRIVATE KEY-----\n"                                   \
    "MHcCAQEEIBOWXQUpyXi8SLr3kk6pjWi9hcVZu4Hu95FLMM+d5erDoAoGCCqGSM49\n" \
    "AwEHoUQDQgAEiCdnHOwlG9iMT3QKTdrxAV27pUIA1ssoCJV5zi12PgBBV///Awbp\n" \
    "pSGTJukQGJ2tUXc5rj7oQi7INy7Kx52sHw==\n"                             \
    "-----END EC PRIVATE KEY-----\n"
/** Its public half. */
#define TEST_P256_PUBLIC                                                 \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiCdnHOwlG9iMT3QKTdrxAV27pUIA\n" \
    "1ssoCJV5zi12PgBBV///AwbppSGTJukQGJ2tUXc5rj7oQi7INy7Kx52sHw==\n"     \
    "-----END PUBLIC KEY-----\n"
/** The wrong curve. */
#define TEST_P384_PUBLIC                                                 \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEVEf6W22iQuZaFghtwr52SEEDEI5kIVn0\n" \
    "CMtRQmY4c1PHZKgJMuZEuZNAvT0KPi9cwnMHRDSwNvAN0IRBeBmR981kmVhYJjZZ\n" \
    "OGQXZbXt8zqKh7fvTMPlcG0Rq5ZnupLV\n"                                 \
    "-----END PUBLIC KEY-----\n"
/** Ed25519. */
#define TEST_ED25519_PRIVATE                                             \
    "-----BEGIN PRIVATE KEY-----\n"                                      \
    "MC4CAQAwBQYDK2VwBCIEIJc/XZA/ITH9FPweZVWbnlcOCaGKGiNGwwa53cIomBrq\n" \
    "-----END PRIVATE KEY-----\n"
/** Its public half. */
#define TEST_ED25519_PUBLIC                                          \
    "-----BEGIN PUBLIC KEY-----\n"                                   \
    "MCowBQYDK2VwAyEAJtq6XUDLfng0Z123SMorkh+PILFaI224MYd3psuB9so=\n" \
    "-----END PUBLIC KEY-----\n"
/** The wrong curve. */
#define TEST_ED448_PUBLIC                                                \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MEMwBQYDK2VxAzoAjTK6ayEQj9S/iJi3pb1MDkWK7GzVA52uJLALjxWFv0gYB0AQ\n" \
    "lXOZT+smtC7igULjD7AnRBePjtCA\n"                                     \
    "-----END PUBLIC KEY-----\n"
/** The P-256 key behind a passphrase. */
#define TEST_ENCRYPTED                                                   \
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"                            \
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjZUaW95xD90QICCAAw\n" \
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFH/0YAB6Xjv0dncvpp6zMAEgZCM\n" \
    "42bwBqCRGj/2/TdTOkg8cOm0MjsNidcCkwTwGDLlC8gUuv7rvgJP/saLnHzklcV7\n" \
    "EZB5VkgGMHjV+qZZb/EVJfVoDTbZTV+JE4Kh7Ds/cAJNvVK7+AFmQtBfVK45v7ZP\n" \
    "sAvcBz1w22YOzI/29U2Iydv0OCc43KW3BLski6CYcf1A0hxxvDa2V/Hd0ofqxoc=\n" \
    "-----END ENCRYPTED PRIVATE KEY-----\n"
/** A certificate of the P-256 key. */
#define TEST_CERTIFICATE                                                 \
    "-----BEGIN CERTIFICATE-----\n"                                      \
    "MIIBdDCCARmgAwIBAgIUH1NUFhT6uQbHPN53sPTfic7yPK4wCgYIKoZIzj0EAwIw\n" \
    "DzENMAsGA1UEAwwEdGVzdDAeFw0yNjExMjEwOTIzNDZaFw0zNjExMTgwOTIzNDZa\n" \
    "MA8xDTALBgNVBAMMBHRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASIJ2cc\n" \
    "7CUb2IxPdApN2vEBXbulQgDWyygIlXnOLXY+AEFX//8DBumlIZMm6RAYna1Rdzmu\n" \
    "PuhCLsg3LsrHnawfo1MwUTAdBgNVHQ4EFgQU+lEQQcp6Nlk8xB+eQuspM7B9MLgw\n" \
    "HwYDVR0jBBgwFoAU+lEQQcp6Nlk8xB+eQuspM7B9MLgwDwYDVR0TAQH/BAUwAwEB\n" \
    "/zAKBggqhkjOPQQDAgNJADBGAiEAjQ/GkqCCkGiopCW1x8BGc7M+uMV00goMfSfH\n" \
    "FSbewfMCIQC4inhc+p9XnEs4ikoyYfsN+i2FkAdV8sOs+mKAVhvEZg==\n"         \
    "-----END CERTIFICATE-----\n"
/** RSA for PSS alone. */
#define TEST_RSA_PSS_PUBLIC                                              \
    "-----BEGIN PUBLIC KEY-----\n"                                       \
    "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAMI2Dba2vgnMuX7NznVDv8ZR\n" \
    "g8ZU19dwAcqM3dqMiIMpW9YiwlxWGbnDOMykjzvGCKtSSxGwFzneM21HQ+1osb9N\n" \
    "Tt2GovUHvMR8DdDueh8c2kI8/qdr9ZDDHUSKQH8mPmKA8SlyjJLNI57/oxrlZRIW\n" \
    "KoRInET16WPmrQQSEso+S+g9XA4tkXzpB3iP4dno8h2Q89Xw2gF30FbYaQtjkg9s\n" \
    "PsR3XiixTUnqIdOa5PbOVRjEVOHnjbiDJI5xxKNVAktlI/qV9PapagMY4tAdXRil\n" \
    "f+TD4ukKsxzOziBK03i0HEptZPC5QadKxdRqKXHK2FP5W4GCDegu556chWEjdtEC\n" \
    "AwEAAQ==\n"                                                         \
    "-----END PUBLIC KEY-----\n"
/** RFC 7515 A.1.1 */
#define RFC_OCT_JWK                                                          \
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-" \
    "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"
/** RFC 7515 A.2.1 */
#define RFC_RSA_JWK                                                                              \
    "{\"kty\":\"RSA\",\"n\":\""                                                                  \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0B" \
    "m4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5" \
    "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7" \
    "aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"                   \
    "\",\"e\":\"AQAB\"}"
/** RFC 7515 A.3.1 */
#define RFC_EC_JWK                                                                             \
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
/** RFC 8037 A.2 */
#define RFC_OKP_JWK "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
/** The payload of RFC 7515 A.1 to A.3, encoded. */
#define RFC_PAYLOAD                                                                              \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cn" \
    "VlfQ"
/** RFC 7515 A.1.1 */
#define RFC_HS256_TOKEN \
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." RFC_PAYLOAD ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
/** RFC 7515 A.2.1 */
#define RFC_RS256_TOKEN                                                                          \
    "eyJhbGciOiJSUzI1NiJ9." RFC_PAYLOAD "."                                                      \
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F" \
    "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQB" \
    "MHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeY" \
    "I2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
/** RFC 7515 A.3.1 */
#define RFC_ES256_TOKEN                 \
    "eyJhbGciOiJFUzI1NiJ9." RFC_PAYLOAD \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
/** RFC 8037 A.4 */
#define RFC_EDDSA_TOKEN                                        \
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc" \
    ".hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"

#endif

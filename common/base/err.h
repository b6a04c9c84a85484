/**
 * The one list of outcomes. Zero is success, everything else says what went wrong.
 *
 * A client sees the rows that have a wire code; the others stay inside and turn into one of those at the edge of a story. The list of
 * codes in docs/protocol.md is made from this table, and with it what clients are told of a retry: the server itself does not ask.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

/*  name, wire code or NULL, worth a retry, in words */
#define ERR_TABLE(X)                                                                                      \
    X(OK, NULL, false, "done")                                                                            \
    X(BAD_REQUEST, "bad_request", false, "the request is not as the protocol says")                       \
    X(UNAUTHORIZED, "unauthorized", false, "the token is not accepted")                                   \
    X(FORBIDDEN, "forbidden", false, "this user may not do that")                                         \
    X(NOT_FOUND, "not_found", false, "there is no such thing, or not for this user")                      \
    X(GONE, "gone", false, "it is over: taken, cancelled, expired or ended")                              \
    X(CALL_FULL, "call_full", true, "every seat of the call is taken")                                    \
    X(UNREACHABLE, "unreachable", true, "nobody can be reached there now")                                \
    X(MEDIA_NOT_ALLOWED, "media_not_allowed", false, "the description carries media that is not allowed") \
    X(RATE_LIMITED, "rate_limited", true, "too much in too short a time")                                 \
    X(TOO_LARGE, "too_large", false, "larger than the limit")                                             \
    X(CONFLICT, "conflict", false, "it contradicts what was said before")                                 \
    X(UNAVAILABLE, "unavailable", true, "the store is away: retry")                                       \
    X(UNSUPPORTED, "unsupported", false, "this server does not do that")                                  \
    X(SYNTAX, NULL, false, "malformed input")                                                             \
    X(NO_MEMORY, NULL, false, "out of memory")                                                            \
    X(IO, NULL, false, "input or output failed")                                                          \
    X(TIMEOUT, NULL, true, "no answer in time")                                                           \
    X(STALE, NULL, false, "said by an older epoch")                                                       \
    X(HOLE, NULL, false, "an earlier version is missing")                                                 \
    X(OVERRUN, NULL, false, "the mailbox is full")

enum err {
#define X(name, code, retry, text) ERR_##name,
    ERR_TABLE(X)
#undef X
        ERR_COUNT
};

/** What err_code() gives, by outcome: for tables. */
extern const char *const err_codes[ERR_COUNT];
/** The code as clients see it (`call_full`), or NULL for one that never leaves the server. */
const char *err_code(enum err);
/** A sentence without a full stop, for messages and logs. Never NULL. */
const char *err_text(enum err);

#endif

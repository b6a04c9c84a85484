/**
 * The ICE servers that clients are told (docs/protocol.md), with TURN-REST credentials made fresh for each user
 * (draft-uberti-behave-turn-rest-00, as coturn's `use-auth-secret` checks them).
 *
 * The file is JSON, one object in the form of RTCPeerConnection's settings:
 *
 *     {"iceServers": [
 *         {"urls": "stun:stun.example.org"},
 *         {"urls": ["turn:turn.example.org?transport=udp", "turns:turn.example.org:5349"],
 *          "secret_file": "/etc/switchboard/turn.secret", "ttl_s": 43200}
 *     ]}
 *
 * A TURN entry says either `username` and `credential`, which pass as they are, or `secret` (coturn's `static-auth-secret`) or `secret_file`
 * (its bytes, one newline at the end taken off), with `ttl_s` (default 43200: TURN checks credentials at each refresh, so they should outlast
 * a call).
 */
#ifndef COMMON_AUTH_ICE_H
#define COMMON_AUTH_ICE_H

#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/why.h"

struct ice_config;

/**
 * Reads and checks the file: every url must be stun:, stuns:, turn: or turns: (RFC 7064, 7065), no member unknown. ERR_IO or ERR_SYNTAX; `why` names
 * file, entry and mistake, never a secret.
 */
enum err ice_config_load(const char *path, struct ice_config **ret_config, struct why why) ATTR_MUST_USE;
/** The empty list. Aborts when memory is out. */
struct ice_config *ice_config_none(void);
/** NULL is fine. */
void ice_config_destroy(struct ice_config *);

/** Appends the list for `user` as a msgpack array of maps {urls, username?, credential?}, ready for wire_put_key_raw(). `now_s` is Unix time. */
void ice_config_write(const struct ice_config *, struct slice user, uint64_t now_s, struct buf *out);
/** The shortest credential lifetime in seconds, for the `ttl` of `ice.get`; 0 when no entry expires. */
uint64_t ice_config_ttl_s(const struct ice_config *);

#endif

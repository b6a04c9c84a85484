#include "node/signaling/verbs.h"

#include "common/wire/fields.h"
#include "node/call/limits.h"
#include "node/signaling/request.h"
#include "node/store/people.h"
#include "node/store/presence.h"

/* The one table of requests: what each is called, what it carries, which story it begins. docs/protocol.md is held against it. */

#define END          \
    {                \
        .name = NULL \
    }

static const struct field no_fields[] = {END};
static const struct field call_fields[] = {{.name = "call", .kind = FIELD_ID, .required = true}, END};

static const struct field hello_fields[] = {
    {.name = "token", .kind = FIELD_STRING, .required = true},
    {.name = "device", .kind = FIELD_NAME, .required = true},
    {.name = "resume", .kind = FIELD_MAP},
    END,
};
static const struct field auth_renew_fields[] = {
    {.name = "token", .kind = FIELD_STRING, .required = true},
    END,
};
static const struct field offer_post_fields[] = {
    {.name = "candidates", .kind = FIELD_ARRAY, .min = 0, .max = OFFER_CANDIDATES_MAX},
    {.name = "ttl_ms", .kind = FIELD_INT, .min = 1, .max = 86400000},
    {.name = "seats", .kind = FIELD_INT, .min = 2, .max = CALL_SEATS_MAX},
    {.name = "privacy", .kind = FIELD_ONE_OF, .words = "relay"},
    END,
};
static const struct field call_start_fields[] = {
    {.name = "to", .kind = FIELD_NAMES, .required = true, .min = 0, .max = 4},
    {.name = "seats", .kind = FIELD_INT, .min = 2, .max = CALL_SEATS_MAX},
    {.name = "privacy", .kind = FIELD_ONE_OF, .words = "relay"},
    {.name = "candidates", .kind = FIELD_ARRAY, .min = 0, .max = OFFER_CANDIDATES_MAX},
    {.name = "ring_ms", .kind = FIELD_INT, .min = CALL_RING_MS_MIN, .max = CALL_RING_MS_MAX},
    {.name = "wait", .kind = FIELD_BOOL},
    END,
};
static const struct field call_invite_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "to", .kind = FIELD_NAME, .required = true},
    {.name = "ring_ms", .kind = FIELD_INT, .min = CALL_RING_MS_MIN, .max = CALL_RING_MS_MAX},
    {.name = "wait", .kind = FIELD_BOOL},
    END,
};
static const struct field call_reject_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "reason", .kind = FIELD_ONE_OF, .words = "rejected|busy"},
    END,
};
static const struct field call_cancel_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "to", .kind = FIELD_NAME},
    END,
};
static const struct field call_leave_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "reason",
     .kind = FIELD_ONE_OF,
     .words = "hangup|rejected|busy|timeout|cancelled|unreachable|lost|replaced"},
    END,
};
static const struct field call_remove_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "peer", .kind = FIELD_INT, .required = true, .min = 1, .max = CALL_SEATS_MAX},
    END,
};
static const struct field call_lock_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "locked", .kind = FIELD_BOOL, .required = true},
    END,
};
static const struct field signal_fields[] = {
    {.name = "call", .kind = FIELD_ID, .required = true},
    {.name = "to", .kind = FIELD_INT, .required = true, .min = 0, .max = CALL_SEATS_MAX},
    {.name = "description", .kind = FIELD_MAP},
    {.name = "candidates", .kind = FIELD_ARRAY, .min = 1, .max = OFFER_CANDIDATES_MAX},
    END,
};
static const struct field block_set_fields[] = {
    {.name = "users", .kind = FIELD_ARRAY, .required = true, .min = 0, .max = BLOCKED_USERS_MAX},
    END,
};
static const struct field presence_set_fields[] = {
    {.name = "status", .kind = FIELD_ONE_OF, .required = true, .words = "available|away|dnd|invisible"},
    {.name = "note", .kind = FIELD_STRING, .min = 0, .max = PRESENCE_NOTE_MAX},
    END,
};
static const struct field presence_users_fields[] = {
    {.name = "users", .kind = FIELD_NAMES, .required = true, .min = 1, .max = PRESENCE_USERS_MAX},
    END,
};

static void unsupported_run(struct request *rq)
{
    request_fail(rq, ERR_UNSUPPORTED, "this version of the server does not do that yet");
}

const struct verb verb_hello = {"hello", hello_fields, hello_run, false};

static const struct verb verbs[] = {
    {"signal", signal_fields, signal_run, false},
    {"ping", no_fields, ping_run, false},
    {"auth.renew", auth_renew_fields, auth_renew_run, false},
    {"bye", no_fields, bye_run, false},
    {"offer.post", offer_post_fields, offer_post_run, true},
    {"offer.take", call_fields, offer_take_run, true},
    {"call.start", call_start_fields, call_start_run, true},
    {"call.invite", call_invite_fields, call_invite_run, true},
    {"call.alert", call_fields, call_alert_run, true},
    {"call.accept", call_fields, call_accept_run, true},
    {"call.reject", call_reject_fields, call_reject_run, true},
    {"call.cancel", call_cancel_fields, call_cancel_run, true},
    {"call.join", call_fields, call_join_run, true},
    {"call.leave", call_leave_fields, call_leave_run, true},
    {"call.remove", call_remove_fields, call_remove_run, true},
    {"call.lock", call_lock_fields, call_lock_run, true},
    {"call.get", call_fields, call_get_run, false},
    {"ice.get", no_fields, ice_get_run, false},
    {"presence.set", presence_set_fields, presence_set_run, true},
    {"presence.watch", presence_users_fields, presence_watch_run, false},
    {"presence.unwatch", presence_users_fields, presence_unwatch_run, false},
    {"block.set", block_set_fields, block_set_run, true},
    {"block.get", no_fields, block_get_run, false},
    /* In the protocol, and not built yet. */
    {"push.register", no_fields, unsupported_run, false},
    {"push.unregister", no_fields, unsupported_run, false},
};

const struct verb *verb_find(struct slice type)
{
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (slice_is(type, verbs[i].type))
            return &verbs[i];
    }
    return slice_is(type, verb_hello.type) ? &verb_hello : NULL;
}

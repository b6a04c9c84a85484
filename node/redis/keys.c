#include "node/redis/keys.h"

#include "common/base/name.h"

#include <assert.h>
#include <stdio.h>

static void put(struct key *k, struct slice text)
{
    assert(text.n < sizeof k->text - k->n);
    if (text.n > 0)
        memcpy(k->text + k->n, text.p, text.n);
    k->n += text.n;
    k->text[k->n] = '\0';
}

/* By hand, as each script call has several: printf would cost as much as all the rest of asking. */
static struct key make(unsigned partition, const char *kind, struct slice name)
{
    const char tag[] = {'{', (char)('0' + partition / 10), (char)('0' + partition % 10), '}', ':'};
    struct key k;
    assert(partition < ID_PARTITIONS_MAX);
    k.n = 0;
    put(&k, slice_make(tag, sizeof tag));
    put(&k, slice_of(kind));
    put(&k, name);
    return k;
}

struct key key_devices(unsigned partition, struct slice user)
{
    return make(partition, "user:", user);
}

struct key key_rings(unsigned partition, struct slice user)
{
    return make(partition, "rings:", user);
}

struct key key_blocks(unsigned partition, struct slice user)
{
    return make(partition, "blocks:", user);
}

struct key key_presence(unsigned partition, struct slice user)
{
    return make(partition, "presence:", user);
}

struct key key_watch(unsigned partition, struct slice user)
{
    return make(partition, "watch:", user);
}

/* "{17}:watch:<user>" */
struct slice key_watch_user(struct slice channel)
{
    struct slice tag = {0};
    struct slice kind = {0};
    bool has_both = slice_split(&channel, ':', &tag) && slice_split(&channel, ':', &kind);
    return has_both ? channel : (struct slice){0};
}

struct key key_limits(unsigned partition, struct slice user)
{
    return make(partition, "limits:", user);
}

struct key key_pair(unsigned partition, struct slice a, struct slice b)
{
    char names[2 * NAME_MAX_CHARS + 2];
    int n = snprintf(names, sizeof names, "%.*s,%.*s", SLICE_FMT(a), SLICE_FMT(b));
    assert(n > 0 && (size_t)n < sizeof names);
    return make(partition, "pair:", slice_make(names, (size_t)n));
}

struct key key_session_prefix(unsigned partition)
{
    return make(partition, "session:", (struct slice){0});
}

struct key key_mailbox_prefix(unsigned partition)
{
    return make(partition, "mailbox:", (struct slice){0});
}

struct key key_session(const struct id *session)
{
    return make(id_partition(session), "session:", id_slice(session));
}

struct key key_mailbox(const struct id *session)
{
    return make(id_partition(session), "mailbox:", id_slice(session));
}

struct key key_replies(const struct id *session)
{
    return make(id_partition(session), "replies:", id_slice(session));
}

struct key key_call(const struct id *call)
{
    return make(id_partition(call), "call:", id_slice(call));
}

struct key key_log(const struct id *call)
{
    return make(id_partition(call), "log:", id_slice(call));
}

struct key key_heal(const struct id *call)
{
    return make(id_partition(call), "heal:", id_slice(call));
}

struct key key_timers(unsigned partition)
{
    return make(partition, "timers", (struct slice){0});
}

struct key key_held(unsigned partition, const struct node_id *node)
{
    return make(partition, "held:", slice_of(node->text));
}

struct key key_holders(unsigned partition)
{
    return make(partition, "holders", (struct slice){0});
}

struct key key_node(unsigned partition, const struct node_id *node)
{
    return make(partition, "node:", slice_of(node->text));
}

struct key key_node_card(const struct node_id *node)
{
    struct key key;
    key.n = (size_t)snprintf(key.text, sizeof key.text, "{cluster}:node-card:%s", node->text);
    return key;
}

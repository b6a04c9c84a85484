#include "node/config.h"

#include <string.h>

#include "common/base/net.h"
#include "common/base/slice.h"
#include "common/base/why.h"

#define ROW(field) OPTION(struct config, field)

static const struct option rows[] = {
    {ROW(config), .group = "General", .value = "FILE", .not_in_file = true,
     .help = "read settings from this file as well"},

    {ROW(listen), .group = "Sockets", .value = "ADDRESS", .fallback = "127.0.0.1:8080",
     .help = "where to listen: IP:PORT, [IPv6]:PORT, :PORT for every address, or unix:/path.sock"},
    {ROW(tls_cert), .group = "Sockets", .value = "FILE", .absent = "no TLS",
     .help = "certificate chain (PEM) for TLS on every TCP listener; read again on SIGHUP"},
    {ROW(tls_key), .group = "Sockets", .value = "FILE", .help = "private key (PEM) of that certificate"},
    {ROW(origin), .group = "Sockets", .value = "ORIGIN", .absent = "any",
     .help = "web origin that may connect (https://app.example.org), compared exactly"},
    {ROW(trust_proxy), .group = "Sockets", .value = "CIDR", .absent = "none",
     .help = "proxies whose X-Forwarded-For is believed (10.0.0.0/8)"},
    {ROW(workers), .group = "Sockets", .fallback = "1", .min = 1, .max = 64,
     .help = "processes that share the port, each a node of its own: one for each core that the node may use"},

    {ROW(redis), .group = "Store", .value = "URL", .absent = "a private redis-server, started and ended with the node",
     .secret = true,
     .help = "the shared store: redis://[USER:PASSWORD@]HOST[:PORT][/DB], rediss://… with TLS, "
             "unix://[USER:PASSWORD@]/path.sock; "
             "a password is better given by file or environment, where `ps` does not show it"},
    {ROW(redis_dir), .group = "Store", .value = "DIR", .absent = "a fresh directory, removed at the end",
     .help = "directory where the private redis-server keeps its data and its socket, redis.sock"},
    {ROW(redis_ca), .group = "Store", .value = "FILE", .absent = "the system's",
     .help = "certificate authorities (PEM) that a rediss:// server is checked against"},
    {ROW(partitions), .group = "Store", .fallback = "64", .min = 1, .max = 100,
     .help = "into how many parts the state is divided; fixed when a store is first used, the same for all its nodes"},

    {ROW(jwt_key), .group = "Tokens", .value = "KEY", .secret = true,
     .help =
         "key that tokens are checked with: HS256:SECRET or HS256:@FILE, RS256:@FILE.pem, ES256:@FILE.pem, "
         "EdDSA:@FILE.pem, jwks:@FILE.json; with kid=NAME: before the secret or file, for tokens that name that key"},
    {ROW(jwt_issuer), .group = "Tokens", .value = "TEXT", .absent = "not looked at",
     .help = "what a token's `iss` must be"},
    {ROW(jwt_audience), .group = "Tokens", .value = "TEXT", .absent = "not looked at",
     .help = "what must be a token's `aud`, or among it"},
    {ROW(call_default), .group = "Tokens", .value = "PATTERN", .fallback = "*",
     .help = "whom a user may call and watch whose token has no `call` claim: names, where * is any run of characters"},
    {ROW(dev), .group = "Tokens", .absent = "off",
     .help = "for development: without --jwt-key a key is made up; /dev/token gives a token to anyone who asks, / is a "
             "demo page"},

    {ROW(media), .group = "Calls", .value = "audio|any", .fallback = "audio",
     .help = "which media a session description may carry"},
    {ROW(ice_config), .group = "Calls", .value = "FILE", .absent = "no ICE servers",
     .help = "JSON list of STUN and TURN servers that clients are told; read again on SIGHUP"},
    {ROW(grace_ms), .group = "Calls", .fallback = "20000", .min = 100, .max = 600000, .unit = "ms",
     .help = "how long a session outlives its socket, with its seats and its mail"},
    {ROW(heartbeat_ms), .group = "Calls", .fallback = "25000", .min = 100, .max = 600000, .unit = "ms",
     .help = "how often a socket is pinged; one that is silent for two of them is dropped"},
    {ROW(hello_timeout_ms), .group = "Calls", .fallback = "5000", .min = 100, .max = 60000, .unit = "ms",
     .help = "how soon after connecting a client has to say hello"},
    {ROW(drain_ms), .group = "Calls", .fallback = "10000", .min = 0, .max = 600000, .unit = "ms",
     .help = "over how long a node that is stopped sends its clients elsewhere"},

    {ROW(message_bytes_max), .group = "Limits", .fallback = "65536", .min = 1024, .max = 1048576, .unit = "bytes",
     .help = "largest message; a larger one closes the socket with 1009"},
    {ROW(queue_bytes_max), .group = "Limits", .fallback = "1048576", .min = 1024, .max = 67108864, .unit = "bytes",
     .help = "what may wait to be sent on one socket; more closes it with 4008"},
    {ROW(frames_per_second), .group = "Limits", .fallback = "200", .min = 1, .max = 1000000, .unit = "frames/s",
     .help = "frames that one socket may send in the long run"},
    {ROW(frames_burst), .group = "Limits", .fallback = "4000", .min = 1, .max = 1000000, .unit = "frames",
     .help = "frames that it may send at once"},
    {ROW(bytes_per_second), .group = "Limits", .fallback = "262144", .min = 1024, .max = 1073741824, .unit = "bytes/s",
     .help = "bytes that one socket may send in the long run"},
    {ROW(bytes_burst), .group = "Limits", .fallback = "8388608", .min = 1024, .max = 1073741824, .unit = "bytes",
     .help = "bytes that it may send at once"},
    {ROW(hellos_per_second), .group = "Limits", .fallback = "1000", .min = 1, .max = 1000000, .unit = "per second",
     .help = "hellos that one worker lets in in the long run, resumes before newcomers; others wait up to some "
             "seconds, or are told when to come back"},
    {ROW(hellos_burst), .group = "Limits", .fallback = "1000", .min = 1, .max = 1000000, .unit = "hellos",
     .help = "hellos that it lets in at once"},
    {ROW(sockets_max), .group = "Limits", .fallback = "16000", .min = 1, .max = 1000000, .unit = "sockets",
     .help = "sockets of one worker; more are refused with 503"},
    {ROW(sockets_per_address_max), .group = "Limits", .fallback = "0", .min = 0, .max = 1000000, .unit = "sockets",
     .help = "sockets from one address; more are refused with 429; 0 is no limit"},
    {ROW(mailbox_events_max), .group = "Limits", .fallback = "4096", .min = 8, .max = 65536, .unit = "events",
     .help = "events that may wait for a session; more end it"},
    {ROW(mailbox_bytes_max), .group = "Limits", .fallback = "4194304", .min = 1024, .max = 268435456, .unit = "bytes",
     .help = "their bytes"},
    {ROW(wrong_ids_per_minute), .group = "Limits", .fallback = "30", .min = 1, .max = 100000, .unit = "per minute",
     .help = "wrong call and offer ids that a user may ask for, on all devices together"},
    {ROW(calls_per_minute), .group = "Limits", .fallback = "60", .min = 1, .max = 100000, .unit = "per minute",
     .help = "calls and posts that a user may start, on all devices together"},
    {ROW(calls_open_max), .group = "Limits", .fallback = "8", .min = 1, .max = 1000, .unit = "calls",
     .help = "calls that a user may sit in, with all devices together (and never more than 16 with one)"},
    {ROW(watches_max), .group = "Limits", .fallback = "500", .min = 1, .max = 10000, .unit = "users",
     .help = "users whose presence a session may watch"},
    {ROW(devices_max), .group = "Limits", .fallback = "8", .min = 1, .max = 100, .unit = "devices",
     .help = "devices of a user that may be there at one time"},

    {ROW(log_level), .group = "Log", .value = "debug|info|warn|error", .fallback = "info",
     .help = "what is logged (to stderr); addresses appear at debug only"},
    {ROW(log_format), .group = "Log", .value = "text|json", .fallback = "text", .help = "how a line is written"},
};

static const struct option_table table = {
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .size = sizeof(struct config),
    .env_prefix = "SWITCHBOARD_",
    .file_option = "config",
};

/* The words of a choice are numbered by their place in the row. */
_Static_assert(MEDIA_AUDIO == 0 && MEDIA_ANY == 1, "media");
_Static_assert(LOG_DEBUG == 0 && LOG_INFO == 1 && LOG_WARN == 2 && LOG_ERROR == 3, "log_level");
_Static_assert(LOG_FORMAT_TEXT == 0 && LOG_FORMAT_JSON == 1, "log_format");

static bool has_unix_listener(const struct config *c)
{
    for (const char *const *l = c->listen; *l; l++) {
        if (slice_starts(slice_of(*l), SLICE("unix:")))
            return true;
    }
    return false;
}

/* What no single row can say. */
static void check_presence(const struct config *c, struct buf *problems)
{
    if (!c->listen[0])
        buf_put_cstr(problems, "--listen is empty: give at least one address\n");
    if (c->tls_cert && !c->tls_key)
        buf_put_cstr(problems, "--tls-cert needs --tls-key: the certificate's private key\n");
    if (c->tls_key && !c->tls_cert)
        buf_put_cstr(problems, "--tls-key needs --tls-cert: the certificate that the key belongs to\n");
    if (!c->jwt_key[0] && !c->dev) {
        buf_put_cstr(
            problems,
            "there is no key to check tokens with: give --jwt-key (HS256:@FILE with a secret of 32 bytes or more, "
            "or your issuer's public key), or --dev to try things out on this machine\n");
    }
    if (c->redis && c->redis_dir) {
        buf_put_cstr(problems,
                     "--redis-dir is for the private redis-server, which --redis replaces: leave one of them out\n");
    }
    if (c->redis_ca && (!c->redis || !slice_starts(slice_of(c->redis), SLICE("rediss://"))))
        buf_put_cstr(problems, "--redis-ca is for a --redis that begins with rediss://\n");
    if (c->workers > 1 && has_unix_listener(c)) {
        buf_put_cstr(problems,
                     "--listen unix: can't be shared by several --workers: give it to one, or listen on a port\n");
    }
}

static void check_addresses(const struct config *c, struct buf *problems)
{
    char why[WHY_SIZE] = "";
    for (const char *const *listen = c->listen; *listen; listen++) {
        struct net_addr address;
        if (net_addr_parse(slice_of(*listen), &address, WHY_IN(why)) != ERR_OK)
            buf_putf(problems, "--listen: %s\n", why);
    }
    for (const char *const *range = c->trust_proxy; *range; range++) {
        struct net_cidr cidr;
        if (net_cidr_parse(slice_of(*range), &cidr, WHY_IN(why)) != ERR_OK)
            buf_putf(problems, "--trust-proxy: %s\n", why);
    }
}

static bool ends(struct slice text, struct slice end)
{
    return text.n >= end.n && slice_eq(slice_make(text.p + text.n - end.n, end.n), end);
}

/* What no browser writes into `Origin` (RFC 6454 section 6.2) lets nobody in, and nobody would see why. */
static const char *origin_mistake(struct slice origin)
{
    const char *found = memmem(origin.p, origin.n, "://", 3);
    if (slice_is(origin, "null"))
        return NULL;
    if (!found)
        return "an origin is scheme://host or scheme://host:port";
    struct slice host = slice_make(found + 3, origin.n - (size_t)(found + 3 - origin.p));
    for (size_t i = 0; i < origin.n; i++) {
        if (origin.p[i] >= 'A' && origin.p[i] <= 'Z')
            return "browsers write origins in small letters";
    }
    if (slice_find(host, '/') < host.n)
        return "an origin ends with its host or port, without a path or a /";
    if ((slice_starts(origin, SLICE("https://")) && ends(host, SLICE(":443"))) ||
        (slice_starts(origin, SLICE("http://")) && ends(host, SLICE(":80"))))
        return "browsers leave out the port that the scheme means anyway";
    return NULL;
}

static void check_origins(const struct config *c, struct buf *problems)
{
    for (const char *const *origin = c->origin; *origin; origin++) {
        const char *mistake = origin_mistake(slice_of(*origin));
        if (mistake)
            buf_putf(problems, "--origin \"%s\": %s\n", *origin, mistake);
    }
}

static void check_holds_message(const struct config *c, const char *name, uint64_t bytes, struct buf *problems)
{
    if (bytes < c->message_bytes_max) {
        buf_putf(problems, "--%s (%llu) is less than --message-bytes-max (%llu): one message would not fit\n", name,
                 (unsigned long long)bytes, (unsigned long long)c->message_bytes_max);
    }
}

enum err config_gather(const struct option_sources *sources, struct config *ret_config, struct buf *problems)
{
    struct config c;
    struct option_memory *memory;
    enum err e = options_read(&table, sources, &c, &memory, problems);
    if (e == ERR_OK) {
        c.memory = memory;
        *ret_config = c;
    }
    return e;
}

enum err config_read(const struct option_sources *sources, struct config *ret_config, struct buf *problems)
{
    struct config c;
    enum err e = config_gather(sources, &c, problems);
    if (e != ERR_OK)
        return e;
    size_t before = problems->n;
    check_presence(&c, problems);
    check_addresses(&c, problems);
    check_origins(&c, problems);
    check_holds_message(&c, "queue-bytes-max", c.queue_bytes_max, problems);
    check_holds_message(&c, "bytes-burst", c.bytes_burst, problems);
    check_holds_message(&c, "mailbox-bytes-max", c.mailbox_bytes_max, problems);
    if (problems->n > before) {
        config_finish(&c);
        return ERR_SYNTAX;
    }
    *ret_config = c;
    return ERR_OK;
}

void config_finish(struct config *c)
{
    option_memory_free(c->memory);
    c->memory = NULL;
}

void config_help(struct buf *out)
{
    options_help(&table, out);
}

static const char preface[] =
    "# Settings\n"
    "\n"
    "<!-- Written by `switchboard help settings --markdown`; a test holds it against the program. -->\n"
    "\n"
    "Each setting of `switchboard serve` can be given in three places. Where it is given twice, the nearer one wins:\n"
    "\n"
    "1. the command line: `--grace-ms 30000` or `--grace-ms=30000`;\n"
    "2. the environment: `SWITCHBOARD_GRACE_MS=30000`;\n"
    "3. the file that `--config FILE` or `SWITCHBOARD_CONFIG` names: a line `grace-ms = 30000`.\n"
    "\n"
    "Settings marked *repeated* are lists. On the command line the option is repeated, in the file the line; in the "
    "environment the parts\n"
    "stand between spaces or commas (a key that holds either goes into a file). A list comes from one place as a "
    "whole: `--listen` on the\n"
    "command line replaces every `listen` of the file. `--call-default=` is the empty list.\n"
    "\n"
    "A flag is `--dev`, or `--dev=false`; elsewhere `true` or `false` (also `yes`, `on`, `1`, `no`, `off`, `0`). An "
    "empty environment variable is as\n"
    "good as none. In the file a `#` at the beginning of a line or behind a space begins a comment.\n"
    "\n"
    "All mistakes are told at once, each with its place, and the program ends with code 2. Failures while starting end "
    "it with code 1. Keys and the\n"
    "Redis address are never printed.\n"
    "\n"
    "```\n"
    "# /etc/switchboard.conf\n"
    "listen = 0.0.0.0:8080\n"
    "listen = [::]:8080\n"
    "redis = redis://10.0.0.5\n"
    "jwt-key = RS256:@/etc/switchboard/issuer.pem\n"
    "workers = 2   # one for each core\n"
    "```\n";

void config_markdown(struct buf *out)
{
    buf_put_cstr(out, preface);
    options_markdown(&table, out);
}

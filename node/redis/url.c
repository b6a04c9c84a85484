#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "common/base/ascii.h"
#include "node/redis/client.h"

enum {
    DEFAULT_PORT = 6379,
    HOST_MAX_CHARS = 255, /* RFC 1035 section 2.3.4 */
    CREDENTIAL_MAX_CHARS = 512,
    DATABASE_MAX = 9999,
};

/* RFC 3986 section 2.1. A NUL would end the text early wherever C reads it, so it is refused. */
static bool percent_decode(struct slice text, char **ret_text)
{
    char *out = slice_dup(text);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int c = (unsigned char)text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? ascii_hex_value(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? ascii_hex_value(text.p[i + 2]) : -1;
            c = high < 0 || low < 0 ? 0 : high * 16 + low;
            i += 2;
        }
        if (c == 0) {
            free(out);
            return false;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    *ret_text = out;
    return true;
}

static bool parse_database(struct slice text, unsigned *ret_database)
{
    uint64_t n = 0;
    if (!slice_to_u64(text, &n) || n > DATABASE_MAX)
        return false;
    *ret_database = (unsigned)n;
    return true;
}

/* user:password, :password, or user: (an empty password is none) */
static const char *parse_login(struct slice login, struct redis_url *url)
{
    size_t colon = slice_find(login, ':');
    struct slice user = {login.p, colon};
    if (login.n > (size_t)CREDENTIAL_MAX_CHARS)
        return "user and password are too long";
    if (colon == login.n)
        return "a user without a password: write user:password@ or :password@";
    if (user.n > 0 && !percent_decode(user, &url->user))
        return "the user's percent-encoding is wrong";
    login = slice_make(login.p + colon + 1, login.n - colon - 1);
    if (login.n == 0)
        return "the password is empty";
    if (!percent_decode(login, &url->password))
        return "the password's percent-encoding is wrong";
    return NULL;
}

static bool host_is_plausible(struct slice host)
{
    if (host.n == 0 || host.n > HOST_MAX_CHARS)
        return false;
    for (size_t i = 0; i < host.n; i++) {
        unsigned char c = (unsigned char)host.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("/\\?#@[]<>\"%", c))
            return false;
    }
    return true;
}

/* host, host:port, [v6], [v6]:port */
static const char *parse_host(struct slice text, struct redis_url *url)
{
    struct slice host = text;
    struct slice port = {"", 0};
    uint64_t n = DEFAULT_PORT;
    if (text.n > 0 && text.p[0] == '[') {
        size_t end = slice_find(text, ']');
        if (end == text.n)
            return "the ] of the address is missing";
        host = slice_make(text.p + 1, end - 1);
        port = slice_make(text.p + end + 1, text.n - end - 1);
    } else {
        host.n = slice_find(text, ':');
        port = slice_make(text.p + host.n, text.n - host.n);
    }
    if (!host_is_plausible(host))
        return "there is no host, or it is no host name";
    if (port.n > 0) {
        struct slice digits = {port.p + 1, port.n - 1};
        if (port.p[0] != ':' || !slice_to_u64(digits, &n) || n < 1 || n > UINT16_MAX)
            return "the port is not a number from 1 to 65535 (IPv6 addresses go into [ ])";
    }
    url->host = slice_dup(host);
    url->port = (uint16_t)n;
    return NULL;
}

/* What stands before the path; the last @ in it ends the login, as a password may hold one. *text then begins behind that. */
static const char *take_login(struct slice *text, struct redis_url *url)
{
    size_t at = slice_find(*text, '/');
    const char *wrong = NULL;
    while (at > 0 && text->p[at - 1] != '@')
        at--;
    if (at > 0) {
        wrong = parse_login(slice_make(text->p, at - 1), url);
        *text = slice_make(text->p + at, text->n - at);
    }
    return wrong;
}

static const char *parse_tcp(struct slice text, struct redis_url *url)
{
    const char *wrong = take_login(&text, url);
    size_t path = slice_find(text, '/');
    if (wrong)
        return wrong;
    if (text.n > path + 1 && !parse_database(slice_make(text.p + path + 1, text.n - path - 1), &url->database))
        return "the database is no number (encode / ? # in a password as %2F %3F %23)";
    return parse_host(slice_make(text.p, path), url);
}

static const char *parse_unix(struct slice text, struct redis_url *url)
{
    const char *wrong = take_login(&text, url);
    size_t mark = slice_find(text, '?');
    struct slice path = {text.p, mark};
    if (wrong)
        return wrong;
    if (path.n == 0 || path.p[0] != '/')
        return "the socket's path must begin with /, as in unix:///run/redis.sock";
    if (path.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return "the socket's path is too long (107 characters at most)";
    if (mark < text.n) {
        struct slice query = {text.p + mark + 1, text.n - mark - 1};
        if (!slice_starts(query, SLICE("db=")) ||
            !parse_database(slice_make(query.p + 3, query.n - 3), &url->database)) {
            return "after ? only db=<number> is known";
        }
    }
    url->transport = REDIS_UNIX;
    url->host = slice_dup(path);
    return NULL;
}

static const char *parse(struct slice text, struct redis_url *url)
{
    static const struct {
        const char *prefix;
        bool tls;
        const char *(*parse_rest)(struct slice, struct redis_url *);
    } schemes[] = {
        {"redis://", false, parse_tcp},
        {"rediss://", true, parse_tcp},
        {"unix://", false, parse_unix},
    };

    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        if (slice_starts(text, slice_of(schemes[i].prefix))) {
            size_t n = strlen(schemes[i].prefix);
            url->tls = schemes[i].tls;
            return schemes[i].parse_rest(slice_make(text.p + n, text.n - n), url);
        }
    }
    return "it must begin with redis://, rediss:// or unix://";
}

enum err redis_url_parse(const char *text, struct redis_url *ret_url, struct why why)
{
    struct redis_url url = {.transport = REDIS_TCP};
    const char *wrong = parse(slice_of(text), &url);
    if (wrong) {
        redis_url_finish(&url);
        return why_fail(why, ERR_SYNTAX, "%s", wrong);
    }
    *ret_url = url;
    return ERR_OK;
}

void redis_url_finish(struct redis_url *url)
{
    if (!url)
        return;
    if (url->password)
        explicit_bzero(url->password, strlen(url->password));
    free(url->host);
    free(url->user);
    free(url->password);
    *url = (struct redis_url){0};
}

#include "common/base/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

enum { V4_OFFSET = 12, V4_BITS = V4_OFFSET * 8 };

static const uint8_t v4_prefix[V4_OFFSET] = {[10] = 0xff, [11] = 0xff};

static enum err refuse(struct why why, const char *what, struct slice text, const char *sentence)
{
    return why_fail(why, ERR_SYNTAX, "%s \"%.*s\": %s", what, SLICE_FMT(text), sentence);
}

static struct net_ip ip_of_v4(const void *four_bytes)
{
    struct net_ip ip;
    memcpy(ip.byte, v4_prefix, V4_OFFSET);
    memcpy(ip.byte + V4_OFFSET, four_bytes, 4);
    return ip;
}

static bool parse_port(struct slice text, uint16_t *ret_port)
{
    uint64_t port;
    if (text.n > 5 || !slice_to_u64(text, &port) || port > UINT16_MAX)
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

/*
 * Parts `1.2.3.4:80`, `[::1]:80` and `:80` at the port; the port is empty if there is none (`1.2.3.4`, `[::1]`).
 * False: brackets do not match, or an IPv6 address has none.
 */
static bool split_port(struct slice text, struct slice *ret_host, struct slice *ret_port)
{
    if (slice_starts(text, SLICE("["))) {
        size_t end = slice_find(text, ']');
        if (end == text.n || (end + 1 < text.n && text.p[end + 1] != ':'))
            return false;
        size_t port = end + 2 < text.n ? end + 2 : text.n;
        *ret_host = (struct slice){text.p + 1, end - 1};
        *ret_port = (struct slice){text.p + port, text.n - port};
        return true;
    }
    size_t colon = slice_find(text, ':');
    size_t port = colon < text.n ? colon + 1 : text.n;
    *ret_host = (struct slice){text.p, colon};
    *ret_port = (struct slice){text.p + port, text.n - port};
    return slice_find(*ret_port, ':') == ret_port->n;
}

static enum err parse_unix(struct slice text, struct slice path, struct net_addr *ret_addr, struct why why)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    if (path.n == 0 || path.p[0] != '/')
        return refuse(why, "listen address", text, "the path of the socket must begin with /");
    if (slice_find(path, '\0') < path.n)
        return refuse(why, "listen address", text, "the path of the socket holds a NUL");
    if (path.n >= sizeof un.sun_path)
        return why_fail(why, ERR_TOO_LARGE, "listen address \"%.*s\": the path of a socket has at most %zu bytes",
                        SLICE_FMT(text), sizeof un.sun_path - 1);
    memcpy(un.sun_path, path.p, path.n);
    *ret_addr = (struct net_addr){.n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.n + 1)};
    memcpy(&ret_addr->storage, &un, sizeof un);
    return ERR_OK;
}

static struct net_addr addr_of_v4(const struct net_ip *ip, uint16_t port)
{
    struct net_addr addr = {.n = sizeof(struct sockaddr_in)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&in.sin_addr, ip->byte + V4_OFFSET, sizeof in.sin_addr);
    memcpy(&addr.storage, &in, sizeof in);
    return addr;
}

static struct net_addr addr_of_v6(const struct net_ip *ip, uint16_t port)
{
    struct net_addr addr = {.n = sizeof(struct sockaddr_in6)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&in6.sin6_addr, ip->byte, sizeof in6.sin6_addr);
    memcpy(&addr.storage, &in6, sizeof in6);
    return addr;
}

enum err net_addr_parse(struct slice text, struct net_addr *ret_addr, struct why why)
{
    struct slice scheme = SLICE("unix:"), host, port_text;
    struct net_ip ip = {0};
    uint16_t port;
    if (text.n == 0)
        return refuse(why, "listen address", text, "it is empty");
    if (slice_starts(text, scheme))
        return parse_unix(text, (struct slice){text.p + scheme.n, text.n - scheme.n}, ret_addr, why);
    if (!split_port(text, &host, &port_text))
        return refuse(why, "listen address", text, "an IPv6 address stands in brackets, as in [::1]:8080");
    if (port_text.n == 0)
        return refuse(why, "listen address", text, "the port is missing, as in :8080");
    if (!parse_port(port_text, &port))
        return refuse(why, "listen address", text, "the port must be a number from 0 to 65535");
    bool bracketed = text.p[0] == '[';
    if ((host.n > 0 || bracketed) && net_ip_parse(host, &ip) != ERR_OK)
        return refuse(why, "listen address", text, "this is no IP address; names are not looked up");
    *ret_addr = host.n > 0 && net_ip_is_v4(&ip) ? addr_of_v4(&ip, port) : addr_of_v6(&ip, port);
    return ERR_OK;
}

bool net_addr_is_any_v6(const struct net_addr *addr)
{
    struct net_ip ip;
    static const struct net_ip any = {0};
    return net_ip_of((const struct sockaddr *)&addr->storage, &ip) && net_ip_eq(&ip, &any);
}

uint16_t net_addr_port(const struct net_addr *addr)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (addr->storage.ss_family) {
    case AF_INET:
        memcpy(&in, &addr->storage, sizeof in);
        return ntohs(in.sin_port);
    case AF_INET6:
        memcpy(&in6, &addr->storage, sizeof in6);
        return ntohs(in6.sin6_port);
    default:
        return 0;
    }
}

int net_addr_socket(struct net_addr *addr, int flags)
{
    int fd = socket(addr->storage.ss_family, SOCK_STREAM | flags, 0);
    if (fd < 0 && errno == EAFNOSUPPORT && net_addr_is_any_v6(addr)) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(net_addr_port(addr))};
        memcpy(&addr->storage, &any, sizeof any);
        addr->n = sizeof any;
        fd = socket(AF_INET, SOCK_STREAM | flags, 0);
    }
    return fd;
}

enum err net_ip_parse(struct slice text, struct net_ip *ret_ip)
{
    char cstr[NET_IP_TEXT_MAX];
    struct in_addr v4;
    struct net_ip ip;
    if (text.n == 0 || text.n >= sizeof cstr || slice_find(text, '\0') < text.n)
        return ERR_SYNTAX;
    memcpy(cstr, text.p, text.n);
    cstr[text.n] = '\0';
    if (inet_pton(AF_INET, cstr, &v4) == 1)
        ip = ip_of_v4(&v4);
    else if (inet_pton(AF_INET6, cstr, ip.byte) != 1)
        return ERR_SYNTAX;
    *ret_ip = ip;
    return ERR_OK;
}

bool net_ip_of(const struct sockaddr *addr, struct net_ip *ret_ip)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    switch (addr->sa_family) {
    case AF_INET:
        memcpy(&in, addr, sizeof in);
        *ret_ip = ip_of_v4(&in.sin_addr);
        return true;
    case AF_INET6:
        memcpy(&in6, addr, sizeof in6);
        memcpy(ret_ip->byte, &in6.sin6_addr, sizeof ret_ip->byte);
        return true;
    default:
        return false;
    }
}

bool net_ip_eq(const struct net_ip *a, const struct net_ip *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

bool net_ip_is_v4(const struct net_ip *ip)
{
    return memcmp(ip->byte, v4_prefix, V4_OFFSET) == 0;
}

void net_ip_put(const struct net_ip *ip, struct buf *out)
{
    char text[NET_IP_TEXT_MAX];
    bool v4 = net_ip_is_v4(ip);
    buf_put_cstr(out, inet_ntop(v4 ? AF_INET : AF_INET6, ip->byte + (v4 ? V4_OFFSET : 0), text, sizeof text));
}

static bool is_under(const struct net_ip *ip, const struct net_ip *prefix, unsigned bits)
{
    unsigned whole = bits / 8, left = bits % 8;
    if (memcmp(ip->byte, prefix->byte, whole) != 0)
        return false;
    return left == 0 || (ip->byte[whole] ^ prefix->byte[whole]) >> (8 - left) == 0;
}

static bool has_host_bits(const struct net_cidr *cidr)
{
    struct net_ip masked = {0};
    unsigned whole = cidr->bits / 8, left = cidr->bits % 8;
    memcpy(masked.byte, cidr->ip.byte, whole);
    if (left > 0)
        masked.byte[whole] = (uint8_t)(cidr->ip.byte[whole] & 0xff << (8 - left));
    return !net_ip_eq(&masked, &cidr->ip);
}

enum err net_cidr_parse(struct slice text, struct net_cidr *ret_cidr, struct why why)
{
    size_t slash = slice_find(text, '/');
    struct slice address = {text.p, slash};
    struct net_cidr cidr;
    if (net_ip_parse(address, &cidr.ip) != ERR_OK)
        return refuse(why, "address range", text, "this is no IP address");
    unsigned skipped = slice_find(address, ':') == address.n ? V4_BITS : 0;
    uint64_t bits = 128 - skipped;
    if (slash < text.n) {
        struct slice digits = {text.p + slash + 1, text.n - slash - 1};
        if (!slice_to_u64(digits, &bits) || bits > 128 - skipped)
            return refuse(why, "address range", text, "behind the slash stands a number up to 32 (IPv4) or 128 (IPv6)");
    }
    cidr.bits = (uint8_t)(bits + skipped);
    if (has_host_bits(&cidr))
        return refuse(why, "address range", text, "bits are set behind the prefix");
    *ret_cidr = cidr;
    return ERR_OK;
}

bool net_cidr_has(const struct net_cidr *cidr, const struct net_ip *ip)
{
    if (cidr->bits < V4_BITS && net_ip_is_v4(ip))
        return false;
    return is_under(ip, &cidr->ip, cidr->bits);
}

static bool is_trusted(const struct net_trust *trust, const struct net_ip *ip)
{
    for (size_t i = 0; i < trust->n; i++)
        if (net_cidr_has(&trust->cidrs[i], ip))
            return true;
    return false;
}

/* An entry of X-Forwarded-For: an address, an address with a port, or something else. */
static bool parse_hop(struct slice entry, struct net_ip *ret_ip)
{
    struct slice host, port_text;
    uint16_t port;
    entry = slice_trim(entry);
    if (net_ip_parse(entry, ret_ip) == ERR_OK)
        return true;
    if (!split_port(entry, &host, &port_text) || (port_text.n > 0 && !parse_port(port_text, &port)))
        return false;
    return net_ip_parse(host, ret_ip) == ERR_OK;
}

/* Takes the part behind the last comma off the end of `rest`; false when `rest` is exhausted (its p is NULL then). */
static bool split_last(struct slice *rest, struct slice *ret_part)
{
    const char *comma = rest->n ? memrchr(rest->p, ',', rest->n) : NULL;
    if (!rest->p)
        return false;
    size_t at = comma ? (size_t)(comma - rest->p) + 1 : 0;
    *ret_part = (struct slice){rest->p + at, rest->n - at};
    *rest = comma ? (struct slice){rest->p, at - 1} : (struct slice){NULL, 0};
    return true;
}

struct net_ip net_client(const struct net_trust *trust, const struct net_ip *peer, struct slice forwarded_for)
{
    struct net_ip client = peer ? *peer : (struct net_ip){0}, hop;
    struct slice entry;
    bool believed = !peer || is_trusted(trust, peer);
    while (believed && split_last(&forwarded_for, &entry) && parse_hop(entry, &hop)) {
        client = hop;
        believed = is_trusted(trust, &client);
    }
    return client;
}

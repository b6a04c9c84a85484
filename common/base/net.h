/**
 * Network addresses as people write them: where to listen, whom to trust, who a client behind proxies is.
 *
 * Nothing here asks the resolver: addresses are numbers. An IPv4 address and its IPv4-mapped IPv6 form (::ffff:192.0.2.1) are
 * the same address everywhere. What cannot be read is explained in `why` by a sentence
 * which quotes the culprit: `listen address "1.2.3.4": the port is missing`.
 */
#ifndef COMMON_BASE_NET_H
#define COMMON_BASE_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/why.h"

/** What bind(2) wants: `(const struct sockaddr *)&storage` and `n`. The family is AF_INET, AF_INET6 or AF_UNIX. */
struct net_addr {
    struct sockaddr_storage storage;
    socklen_t n;
};

/**
 * `192.0.2.1:8080`, `[2001:db8::1]:8080`, `:8080` or `unix:/run/switchboard.sock`. Port 0 is a free port of the kernel's choice.
 * `:8080` is [::]:8080: it takes IPv4 clients too if the socket is not IPV6_V6ONLY. ERR_SYNTAX or ERR_TOO_LARGE (a path too long).
 */
enum err net_addr_parse(struct slice text, struct net_addr *ret_addr, struct why why) ATTR_MUST_USE;
/** Whether it came from `:PORT` or `[::]:PORT`; where the kernel has no IPv6, 0.0.0.0 is meant. */
bool net_addr_is_any_v6(const struct net_addr *);
/** The port, or 0 for a unix socket. */
uint16_t net_addr_port(const struct net_addr *);
/** A socket for it, of SOCK_STREAM and `flags`, or -1. Where the kernel has no IPv6 an address that is any of IPv6 becomes any of IPv4. */
int net_addr_socket(struct net_addr *, int flags);

/** An IP address in IPv6 form, network byte order; IPv4 is IPv4-mapped. Copied by value, compared with net_ip_eq(). */
struct net_ip {
    uint8_t byte[16];
};

/** "255.255.255.255" and the longest IPv6 text with its NUL. */
enum { NET_IP_TEXT_MAX = 46 };

/** The address alone, without port or brackets. ERR_SYNTAX. */
enum err net_ip_parse(struct slice text, struct net_ip *ret_ip) ATTR_MUST_USE;
/** Of a connected socket's peer; false for a unix socket, which has none. */
bool net_ip_of(const struct sockaddr *, struct net_ip *ret_ip) ATTR_MUST_USE;
bool net_ip_eq(const struct net_ip *, const struct net_ip *);
bool net_ip_is_v4(const struct net_ip *);
/** IPv4 in dotted form, even if it came as IPv4-mapped. */
void net_ip_put(const struct net_ip *, struct buf *out);

/** A range of addresses. `bits` counts from the front of the IPv6 form: 10.0.0.0/8 has 104. */
struct net_cidr {
    struct net_ip ip;
    uint8_t bits;
};

/** `10.0.0.0/8`, `2001:db8::/32`, `::ffff:10.0.0.0/104`, or one address. Bits set behind the prefix are refused as a slip. ERR_SYNTAX. */
enum err net_cidr_parse(struct slice text, struct net_cidr *ret_cidr, struct why why) ATTR_MUST_USE;
/** An IPv6 range wider than the IPv4-mapped block (`::/0`) holds no IPv4 address: say 0.0.0.0/0 too. */
bool net_cidr_has(const struct net_cidr *, const struct net_ip *);

/** Which proxies are believed: a view of `n` ranges. */
struct net_trust {
    const struct net_cidr *cidrs;
    size_t n;
};

/**
 * Who the client is: `peer` itself if it is not trusted, otherwise the rightmost address of X-Forwarded-For that is not trusted,
 * for only what trusted proxies appended can be believed. If all are trusted it is the leftmost. At an entry that is no address
 * (`unknown`, an obfuscated name) the search ends with the address found so far.
 * `forwarded_for` is the header's value; several such headers are joined by commas in their order; empty if there is none.
 * Entries may carry a port (`192.0.2.1:4711`, `[2001:db8::1]:4711`).
 * `peer` NULL: a unix socket, whose other end is a proxy of this machine and believed; without an address in the header
 * the answer is `::`.
 */
struct net_ip net_client(const struct net_trust *, const struct net_ip *peer, struct slice forwarded_for);

#endif

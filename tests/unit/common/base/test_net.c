#include "common/base/net.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Its address without the port, or its path. */
static void put_host(const struct net_addr *addr, struct buf *out)
{
    struct sockaddr_un un;
    struct net_ip ip;
    if (net_ip_of((const struct sockaddr *)&addr->storage, &ip)) {
        net_ip_put(&ip, out);
        return;
    }
    memcpy(&un, &addr->storage, sizeof un);
    buf_put_cstr(out, un.sun_path);
}

Test(net, listen_addresses_are_read)
{
    static const struct {
        const char *text, *host;
        int family;
        socklen_t n;
        uint16_t port;
    } cases[] = {
        {"192.0.2.1:8080", "192.0.2.1", AF_INET, sizeof(struct sockaddr_in), 8080},
        {"0.0.0.0:0", "0.0.0.0", AF_INET, sizeof(struct sockaddr_in), 0},
        {"[2001:DB8::1]:65535", "2001:db8::1", AF_INET6, sizeof(struct sockaddr_in6), 65535},
        {"[::ffff:192.0.2.1]:80", "192.0.2.1", AF_INET, sizeof(struct sockaddr_in), 80},
        {":443", "::", AF_INET6, sizeof(struct sockaddr_in6), 443},
        {"[::]:443", "::", AF_INET6, sizeof(struct sockaddr_in6), 443},
        {"unix:/run/a.sock", "/run/a.sock", AF_UNIX, offsetof(struct sockaddr_un, sun_path) + 12, 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_addr addr;
        char why[WHY_SIZE] = "";
        struct buf out;
        buf_init(&out, 1000);
        cr_assert_eq(net_addr_parse(slice_of(cases[i].text), &addr, WHY_IN(why)), ERR_OK, "%s: %s", cases[i].text, why);
        cr_assert_eq(addr.storage.ss_family, cases[i].family, "%s", cases[i].text);
        cr_assert_eq(addr.n, cases[i].n, "%s", cases[i].text);
        cr_assert_eq(net_addr_port(&addr), cases[i].port, "%s", cases[i].text);
        put_host(&addr, &out);
        cr_assert_str_eq(buf_cstr(&out), cases[i].host);
        buf_finish(&out);
    }
}

Test(net, a_bad_listen_address_is_explained)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "empty"},
        {"1.2.3.4", "port is missing"},
        {"1.2.3.4:", "port is missing"},
        {"[::1]", "port is missing"},
        {"1.2.3.4:65536", "0 to 65535"},
        {"1.2.3.4:http", "0 to 65535"},
        {"1.2.3.4:-1", "0 to 65535"},
        {"1.2.3.4:000080", "0 to 65535"},
        {"::1:80", "brackets"},
        {"[::1:80", "brackets"},
        {"[::1]80", "brackets"},
        {"[]:80", "no IP address"},
        {"localhost:80", "no IP address"},
        {"1.2.3:80", "no IP address"},
        {"1.2.3.04:80", "no IP address"},
        {"[fe80::1%eth0]:80", "no IP address"},
        {"unix:", "begin with /"},
        {"unix:run/a.sock", "begin with /"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_addr addr = {.n = 77};
        char why[WHY_SIZE] = "";
        cr_assert_eq(net_addr_parse(slice_of(cases[i].text), &addr, WHY_IN(why)), ERR_SYNTAX, "%s", cases[i].text);
        cr_assert_not_null(strstr(why, cases[i].sentence), "%s", why);
        cr_assert_not_null(strstr(why, cases[i].text), "it quotes the culprit: %s", why);
        cr_assert_eq(addr.n, 77, "untouched on failure");
    }
}

Test(net, a_unix_path_is_never_cut)
{
    char text[200];
    struct net_addr addr;
    char why[WHY_SIZE] = "";
    const size_t longest = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
    memset(text, 'a', sizeof text);
    memcpy(text, "unix:/", 6);
    cr_assert_eq(net_addr_parse(slice_make(text, 5 + longest), &addr, WHY_IN(why)), ERR_OK);
    cr_assert_eq(addr.n, sizeof(struct sockaddr_un));
    cr_assert_eq(net_addr_parse(slice_make(text, 5 + longest + 1), &addr, WHY_IN(why)), ERR_TOO_LARGE);
    cr_assert_not_null(strstr(why, "at most 107 bytes"));
    cr_assert_eq(net_addr_parse(SLICE("unix:/a\0b"), &addr, WHY_IN(why)), ERR_SYNTAX);
}

Test(net, only_any_v6_is_any_v6)
{
    static const struct {
        const char *text;
        bool any;
    } cases[] = {{":80", true}, {"[::]:80", true}, {"0.0.0.0:80", false}, {"[::1]:80", false}, {"unix:/a", false}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_addr addr;
        char why[WHY_SIZE] = "";
        cr_assert_eq(net_addr_parse(slice_of(cases[i].text), &addr, WHY_IN(why)), ERR_OK);
        cr_assert_eq(net_addr_is_any_v6(&addr), cases[i].any, "%s", cases[i].text);
    }
}

/* As where the kernel has no IPv6. */
static void forbid_ipv6(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = ARRAY_SIZE(filter), .filter = filter};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(net, any_v6_is_any_v4_where_there_is_no_ipv6)
{
    struct net_addr any, loopback;
    cr_assert_eq(net_addr_parse(SLICE(":443"), &any, WHY_NONE), ERR_OK);
    cr_assert_eq(net_addr_parse(SLICE("[::1]:443"), &loopback, WHY_NONE), ERR_OK);
    forbid_ipv6();
    int fd = net_addr_socket(&any, SOCK_CLOEXEC);
    cr_assert_geq(fd, 0);
    close(fd);
    cr_assert_eq(any.storage.ss_family, AF_INET);
    cr_assert_eq(any.n, sizeof(struct sockaddr_in));
    cr_assert_eq(net_addr_port(&any), 443);
    cr_assert_eq(net_addr_socket(&loopback, SOCK_CLOEXEC), -1, "what was named is not there");
}

static struct net_ip ip_of(const char *text)
{
    struct net_ip ip;
    cr_assert_eq(net_ip_parse(slice_of(text), &ip), ERR_OK, "%s", text);
    return ip;
}

static struct net_cidr cidr_of(const char *text)
{
    struct net_cidr cidr;
    char why[WHY_SIZE] = "";
    cr_assert_eq(net_cidr_parse(slice_of(text), &cidr, WHY_IN(why)), ERR_OK, "%s", why);
    return cidr;
}

static void expect_text(const struct net_ip *ip, const char *want)
{
    struct buf out;
    buf_init(&out, NET_IP_TEXT_MAX);
    net_ip_put(ip, &out);
    cr_assert_str_eq(buf_cstr(&out), want);
    buf_finish(&out);
}

Test(net, a_mapped_address_is_the_ipv4_address)
{
    struct net_ip v4 = ip_of("192.0.2.1"), mapped = ip_of("::ffff:192.0.2.1"), v6 = ip_of("2001:DB8:0::1");
    cr_assert(net_ip_eq(&v4, &mapped));
    cr_assert(net_ip_is_v4(&mapped));
    cr_assert_not(net_ip_is_v4(&v6));
    expect_text(&mapped, "192.0.2.1");
    expect_text(&v6, "2001:db8::1");
}

Test(net, what_is_no_address_is_refused)
{
    static const char *const cases[] = {
        "",           "1.2.3",      "1.2.3.4.5", "256.1.1.1",
        "1.2.3.4 ",   "0x7f.1.1.1", "unknown",   ":::",
        "1.2.3.4:80", "[::1]",      "::g",       "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_ip ip = {{77}};
        cr_assert_eq(net_ip_parse(slice_of(cases[i]), &ip), ERR_SYNTAX, "%s", cases[i]);
        cr_assert_eq(ip.byte[0], 77);
    }
    struct net_ip ip;
    cr_assert_eq(net_ip_parse(SLICE("1.2.3.4\0"), &ip), ERR_SYNTAX);
}

Test(net, ranges_hold_what_is_under_their_prefix)
{
    static const struct {
        const char *cidr, *ip;
        bool has;
    } cases[] = {
        {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "2001:db8::1", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"172.16.0.0/12", "172.31.255.255", true},
        {"172.16.0.0/12", "172.32.0.0", false},
        {"172.16.0.0/12", "172.15.255.255", false},
        {"192.0.2.128/25", "192.0.2.128", true},
        {"192.0.2.128/25", "192.0.2.127", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"192.0.2.1/32", "192.0.2.1", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "2001:db9::", false},
        {"fe80::/10", "febf::1", true},
        {"fe80::/10", "fec0::1", false},
        {"::1", "::1", true},
        {"::1/128", "::2", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_cidr cidr = cidr_of(cases[i].cidr);
        struct net_ip ip = ip_of(cases[i].ip);
        cr_assert_eq(net_cidr_has(&cidr, &ip), cases[i].has, "%s in %s", cases[i].ip, cases[i].cidr);
    }
}

Test(net, a_bad_range_is_explained)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "no IP address"},
        {"/8", "no IP address"},
        {"10.0.0/8", "no IP address"},
        {"10.0.0.0/", "behind the slash"},
        {"10.0.0.0/33", "behind the slash"},
        {"10.0.0.0/8/8", "behind the slash"},
        {"::/129", "behind the slash"},
        {"10.0.0.1/8", "bits are set"},
        {"2001:db8::1/32", "bits are set"},
        {"192.0.2.64/25", "bits are set"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_cidr cidr;
        char why[WHY_SIZE] = "";
        cr_assert_eq(net_cidr_parse(slice_of(cases[i].text), &cidr, WHY_IN(why)), ERR_SYNTAX, "%s", cases[i].text);
        cr_assert_not_null(strstr(why, cases[i].sentence), "%s", why);
    }
}

/* Trusted are 10.0.0.0/8 and 2001:db8:1::/48. */
Test(net, the_client_is_the_rightmost_address_that_is_not_trusted)
{
    static const struct {
        const char *peer, *forwarded_for, *client;
    } cases[] = {
        {"203.0.113.9", "", "203.0.113.9"},
        {"203.0.113.9", "198.51.100.1", "203.0.113.9"}, /* a stranger's word counts for nothing */
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"}, /* forged in front */
        {"10.0.0.1", "6.6.6.6,198.51.100.1,10.0.0.2 ,\t10.0.0.3", "198.51.100.1"},
        {"10.0.0.1", "10.0.0.9, 10.0.0.2", "10.0.0.9"}, /* all trusted: the leftmost */
        {"10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "198.51.100.1, ", "10.0.0.1"},
        {"10.0.0.1", "garbage", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1:4711", "198.51.100.1"},
        {"10.0.0.1", "198.51.100.1:x", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"},
        {"10.0.0.1", "[2001:db8::5]", "2001:db8::5"},
        {"10.0.0.1", "2001:db8::5, 2001:db8:1::7", "2001:db8::5"},
        {"10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"},
        {NULL, "6.6.6.6, 198.51.100.1", "198.51.100.1"}, /* a unix socket */
        {NULL, "", "::"},
    };
    const struct net_cidr cidrs[] = {cidr_of("10.0.0.0/8"), cidr_of("2001:db8:1::/48")};
    const struct net_trust trust = {cidrs, ARRAY_SIZE(cidrs)};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct net_ip peer = ip_of(cases[i].peer ? cases[i].peer : "::"), want = ip_of(cases[i].client);
        struct net_ip client = net_client(&trust, cases[i].peer ? &peer : NULL, slice_of(cases[i].forwarded_for));
        cr_assert(net_ip_eq(&client, &want), "case %zu: \"%s\"", i, cases[i].forwarded_for);
    }
}

Test(net, who_trusts_nobody_takes_the_peer)
{
    const struct net_trust trust = {NULL, 0};
    struct net_ip peer = ip_of("127.0.0.1");
    struct net_ip client = net_client(&trust, &peer, SLICE("198.51.100.1"));
    cr_assert(net_ip_eq(&client, &peer));
}

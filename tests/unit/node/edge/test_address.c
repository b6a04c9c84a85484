#include "node/edge/address.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct net_ip ip_of(const char *text)
{
    struct net_ip ip;
    cr_assert_eq(net_ip_parse(slice_of(text), &ip), ERR_OK);
    return ip;
}

Test(address, sockets_are_counted_for_each_address)
{
    struct addresses *t = addresses_create();
    struct net_ip one = ip_of("192.0.2.1"), two = ip_of("192.0.2.2");
    struct address *a = address_hold(t, &one), *b = address_hold(t, &one), *c = address_hold(t, &two);
    cr_assert_eq(addresses_held(t, &one), 2);
    cr_assert_eq(addresses_held(t, &two), 1);
    address_release(t, a);
    address_release(t, c);
    cr_assert_eq(addresses_held(t, &one), 1);
    cr_assert_eq(addresses_held(t, &two), 0);
    address_release(t, b);
    cr_assert_eq(addresses_count(t), 0);
    addresses_destroy(t);
}

Test(address, an_ipv6_client_counts_by_its_64_bits)
{
    struct addresses *t = addresses_create();
    struct net_ip here = ip_of("2001:db8:1:2::1"), neighbour = ip_of("2001:db8:1:2:ffff::9"),
                  other = ip_of("2001:db8:1:3::1");
    struct address *a = address_hold(t, &here);
    cr_assert_eq(addresses_held(t, &neighbour), 1);
    cr_assert_eq(addresses_held(t, &other), 0);
    address_release(t, a);
    addresses_destroy(t);
}

Test(address, the_unknown_address_is_not_counted)
{
    struct addresses *t = addresses_create();
    struct net_ip unknown = ip_of("::");
    cr_assert_null(address_hold(t, &unknown));
    address_release(t, NULL);
    cr_assert_eq(addresses_held(t, &unknown), 0);
    addresses_destroy(t);
}

Test(address, many_addresses_keep_apart_while_the_table_grows)
{
    enum { MANY = 5000 };
    struct addresses *t = addresses_create();
    struct address **held = calloc(MANY, sizeof *held);
    for (int i = 0; i < MANY; i++) {
        struct net_ip ip = ip_of("10.0.0.0");
        ip.byte[14] = (unsigned char)(i >> 8);
        ip.byte[15] = (unsigned char)i;
        held[i] = address_hold(t, &ip);
    }
    cr_assert_eq(addresses_count(t), MANY);
    for (int i = 0; i < MANY; i++) {
        struct net_ip ip = ip_of("10.0.0.0");
        ip.byte[14] = (unsigned char)(i >> 8);
        ip.byte[15] = (unsigned char)i;
        cr_assert_eq(addresses_held(t, &ip), 1);
        address_release(t, held[i]);
        cr_assert_eq(addresses_held(t, &ip), 0);
    }
    cr_assert_eq(addresses_count(t), 0);
    free(held);
    addresses_destroy(t);
}

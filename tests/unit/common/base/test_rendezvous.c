#include "common/base/rendezvous.h"

#include <criterion/criterion.h>

/* All versions of a node agree on whose a partition is: these numbers never change. */
Test(rendezvous, the_weights_are_the_same_for_ever)
{
    static const struct {
        struct node_id node;
        unsigned partition;
        uint64_t weight;
    } cases[] = {
        {{"AAAAAAAAAAAA"}, 0, UINT64_C(18212195078742239187)},
        {{"AAAAAAAAAAAA"}, 63, UINT64_C(13752333573001069657)},
        {{"AAAAAAAAAAAB"}, 0, UINT64_C(13974334403804397289)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(rendezvous_weight(&cases[i].node, cases[i].partition), cases[i].weight, "%zu", i);
}

Test(rendezvous, a_node_that_goes_moves_only_its_own_partitions)
{
    static const struct node_id nodes[] = {{"oneoneoneone"}, {"twotwotwotwo"}, {"threethreeth"}};
    size_t owned[3] = {0};
    for (unsigned p = 0; p < 64; p++) {
        size_t best = 0, without = 0;
        for (size_t i = 1; i < 3; i++)
            best = rendezvous_weight(&nodes[i], p) > rendezvous_weight(&nodes[best], p) ? i : best;
        without = rendezvous_weight(&nodes[1], p) > rendezvous_weight(&nodes[0], p) ? 1 : 0;
        cr_expect(best == 2 || best == without, "%u", p);
        owned[best]++;
    }
    for (size_t i = 0; i < 3; i++)
        cr_expect(owned[i] > 8, "%zu has %zu", i, owned[i]);
}

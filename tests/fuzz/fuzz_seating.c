/* seating_parse() and target_next(): what a call's log and the bus say about seats. */
#include <stdlib.h>

#include "common/base/name.h"
#include "node/call/seating.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PARTITIONS = 64 };

static void check_id(const struct id *id)
{
    struct id again;
    if (!id_is_none(id) && !id_parse(id_slice(id), PARTITIONS, &again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = slice_make(data, size);
    struct seating seating;
    struct target target;
    if (seating_parse(text, PARTITIONS, &seating) == ERR_OK) {
        if (seating.seats < 2 || seating.seats > CALL_SEATS_MAX || seating.starter > CALL_SEATS_MAX)
            abort();
        for (unsigned peer = 0; peer <= CALL_SEATS_MAX; peer++)
            check_id(&seating.session[peer]);
    }
    while (target_next(&text, PARTITIONS, &target)) {
        check_id(&target.session);
        if (target.user.n > 0 && !name_is_valid(target.user))
            abort();
    }
    return 0;
}

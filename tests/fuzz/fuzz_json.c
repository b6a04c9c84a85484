/* JSON frames: whatever is read is what jansson reads, and survives both formats; whatever is not gets a sentence. */
#include <stdlib.h>

#include "tests/unit/common/wire/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_doc *doc = NULL;
    char why[128] = "";
    if (wire_decode(WIRE_JSON, slice_make(data, size), &doc, WHY_IN(why)) != ERR_OK) {
        if (doc || !is_sentence(why))
            abort();
        return 0;
    }
    if (tree_round_trip(wire_doc_root(doc)) || !tree_is_janssons(wire_doc_root(doc), slice_make(data, size)))
        abort();
    wire_doc_destroy(doc);
    return 0;
}

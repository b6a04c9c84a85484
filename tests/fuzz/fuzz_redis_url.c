/* redis_url_parse(): whatever is in the settings file. */
#include <stdlib.h>
#include <string.h>

#include "node/redis/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = slice_dup(slice_make(data, size));
    struct redis_url url;
    char why[64];
    if (redis_url_parse(text, &url, WHY_IN(why)) == ERR_OK) {
        /* What is accepted can be used: a host there is, and a port where one is needed. */
        if (!url.host || url.host[0] == '\0' || (url.transport == REDIS_TCP && url.port == 0))
            abort();
        redis_url_finish(&url);
    }
    free(text);
    return 0;
}

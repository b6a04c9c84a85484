#include "node/call/words.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

bool word_next(struct slice *rest, struct slice *ret_word)
{
    size_t start = 0;
    while (start < rest->n && is_blank(rest->p[start]))
        start++;
    size_t end = start;
    while (end < rest->n && !is_blank(rest->p[end]))
        end++;
    if (start == end)
        return false;
    *ret_word = slice_make(rest->p + start, end - start);
    *rest = slice_make(rest->p + end, rest->n - end);
    return true;
}

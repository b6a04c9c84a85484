/**
 * Finding network addresses in text whose grammar is not known, to take them out.
 *
 * An address is a dotted quad, an IPv6 address (its zone stays, it names an interface), a MAC address written with colons, or a name under `.local` (what mDNS
 * candidates use). Other host names cannot be told from words: whoever knows that a field is an address replaces it as a whole.
 */
#ifndef NODE_CALL_ADDRESS_H
#define NODE_CALL_ADDRESS_H

#include "common/base/buf.h"
#include "common/base/slice.h"

/**
 * Appends `text` with each address replaced by the unspecified one (0.0.0.0, or :: where it had colons). Linear; doing it twice changes nothing more.
 * What only looks like an address (a version with four numbers) is replaced as well: too much does no harm in a description, too little does.
 */
void address_blank(struct slice text, struct buf *out);

#endif

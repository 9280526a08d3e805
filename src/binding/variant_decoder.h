/* What the parts of the decoder share. */
#ifndef WSM_BINDING_VARIANT_DECODER_H
#define WSM_BINDING_VARIANT_DECODER_H

#include "variant.h"

typedef struct wsm_decoder {
    lua_State *L;
    int types; /* stack index */
    wsm_reader reader;
    bool allow_objects;
    size_t slots; /* elements that containers may still reserve memory for: no more than can be in the data */
} wsm_decoder;

/* Pushes the next value; nothing if it fails. */
wsm_error wsm_decode_value(wsm_decoder *d, int depth);
/* How many of a container's elements to reserve memory for. Counts of nested containers may each be possible, but not
 * all of them together. */
int wsm_decoder_reserve(wsm_decoder *d, size_t count);
/* Replaces nil on top by the marker of null, which a table can hold. */
void wsm_decoder_replace_nil(wsm_decoder *d);

/* Most dictionaries have the same keys as one before. A shape is a metatable for Dictionaries whose array part is their
 * keys in order, so that neither the keys nor their order have to be built anew.
 *
 * Decodes the entries of a plain dictionary into the table on top as long as there is a shape that has their keys.
 * `done` is how many: all `count`, and the table is complete and has its metatable; or fewer, and unless none the list
 * of their keys is pushed. */
wsm_error wsm_decode_by_shape(wsm_decoder *d, size_t count, int depth, size_t *done);
/* Makes a shape of the list of `count` different text keys on top, which stays there; false if there are too many like
 * it. */
bool wsm_add_shape(wsm_decoder *d, int count);
enum { WSM_SHAPE_KEYS_MAX = 64, WSM_SHAPE_KEY_SIZE_MAX = 64 };

#endif

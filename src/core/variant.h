/* Godot's binary Variants (core/io/marshalls.cpp) as bytes: types, and checked reading and writing of their parts.
 * What the parts become is the business of whoever walks over them. */
#ifndef WSM_VARIANT_H
#define WSM_VARIANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "error.h"

/* Variant.Type */
typedef enum wsm_variant_type {
    WSM_NIL = 0,
    WSM_BOOL = 1,
    WSM_INT = 2,
    WSM_FLOAT = 3,
    WSM_STRING = 4,
    WSM_VECTOR2 = 5,
    WSM_VECTOR2I = 6,
    WSM_RECT2 = 7,
    WSM_RECT2I = 8,
    WSM_VECTOR3 = 9,
    WSM_VECTOR3I = 10,
    WSM_TRANSFORM2D = 11,
    WSM_VECTOR4 = 12,
    WSM_VECTOR4I = 13,
    WSM_PLANE = 14,
    WSM_QUATERNION = 15,
    WSM_AABB = 16,
    WSM_BASIS = 17,
    WSM_TRANSFORM3D = 18,
    WSM_PROJECTION = 19,
    WSM_COLOR = 20,
    WSM_STRING_NAME = 21,
    WSM_NODE_PATH = 22,
    WSM_RID = 23,
    WSM_OBJECT = 24,
    WSM_CALLABLE = 25,
    WSM_SIGNAL = 26,
    WSM_DICTIONARY = 27,
    WSM_ARRAY = 28,
    WSM_PACKED_BYTE_ARRAY = 29,
    WSM_PACKED_INT32_ARRAY = 30,
    WSM_PACKED_INT64_ARRAY = 31,
    WSM_PACKED_FLOAT32_ARRAY = 32,
    WSM_PACKED_FLOAT64_ARRAY = 33,
    WSM_PACKED_STRING_ARRAY = 34,
    WSM_PACKED_VECTOR2_ARRAY = 35,
    WSM_PACKED_VECTOR3_ARRAY = 36,
    WSM_PACKED_COLOR_ARRAY = 37,
    WSM_PACKED_VECTOR4_ARRAY = 38,
    WSM_VARIANT_TYPES = 39,
} wsm_variant_type;

enum {
    WSM_VARIANT_WIDE = 1 << 16,  /* 64-bit form; of an Object: only its id follows */
    WSM_VARIANT_DEPTH_MAX = 1024 /* levels below the outermost value */
};

/* How a typed container says its type: two bits of the header for elements or keys, the next two for values. */
enum { WSM_KIND_SHIFT = 16, WSM_VALUE_KIND_SHIFT = 18, WSM_KIND_MASK = 3 };
typedef enum wsm_variant_kind { WSM_KIND_NONE, WSM_KIND_BUILTIN, WSM_KIND_CLASS, WSM_KIND_SCRIPT } wsm_variant_kind;

/* What is left to read. */
typedef struct wsm_reader {
    const unsigned char *at;
    size_t left;
} wsm_reader;

/* Each takes its bytes off the front; ERR_INVALID_DATA, nothing taken, if they are not there. */
wsm_error wsm_read_u32(wsm_reader *reader, uint32_t *value);
wsm_error wsm_read_u64(wsm_reader *reader, uint64_t *value);
/* A float, or a double if `wide`. */
wsm_error wsm_read_float(wsm_reader *reader, bool wide, double *value);
/* A count whose elements need at least `element_size` bytes each: refused if they can't be there. */
wsm_error wsm_read_count(wsm_reader *reader, size_t element_size, size_t *count);
/* A padded UTF-8 text: without a byte order mark, up to its first NUL; points into the data. ERR_FILE_EOF if it is cut
 * short, ERR_INVALID_DATA if it is not UTF-8. */
wsm_error wsm_read_text(wsm_reader *reader, const char **text, size_t *size);
/* `size` bytes and their padding to a multiple of 4, which may be missing at the very end of the data. */
wsm_error wsm_read_padded(wsm_reader *reader, size_t size, const unsigned char **data);

/* Remote calls have a shorter form of some values (multiplayer_api.cpp), without padding: a bool is one byte; an int is
 * one byte, whose upper two bits say its width, and 1, 2, 4 or 8 bytes. All others are as everywhere.
 * Takes such a value: type WSM_BOOL or WSM_INT, or WSM_NIL if what comes next is in the usual form (nothing taken). */
wsm_error wsm_read_short(wsm_reader *reader, wsm_variant_type *type, int64_t *value);

/* Each appends; false without memory. */
bool wsm_write_u32(wsm_bytes *out, uint32_t value);
bool wsm_write_u64(wsm_bytes *out, uint64_t value);
bool wsm_write_f32(wsm_bytes *out, double value);
bool wsm_write_f64(wsm_bytes *out, double value);
/* Length, bytes (and a NUL that counts, for a PackedStringArray's), padding. */
bool wsm_write_text(wsm_bytes *out, const char *text, size_t size, bool terminated);
/* Header and content of a String value: ERR_INVALID_DATA if the text is not UTF-8 or has a NUL, ERR_OUT_OF_MEMORY. */
wsm_error wsm_write_string(wsm_bytes *out, const char *text, size_t size);
bool wsm_write_padding(wsm_bytes *out, size_t size);
/* Header and value in the shorter form that keeps it. */
bool wsm_write_int(wsm_bytes *out, int64_t value);
bool wsm_write_float(wsm_bytes *out, double value);
/* Gives the value that begins at `offset` and reaches to the end the form of remote calls. */
void wsm_shorten(wsm_bytes *out, size_t offset);
/* Replaces the word at `offset`. */
void wsm_patch_u32(wsm_bytes *out, size_t offset, uint32_t value);

#endif

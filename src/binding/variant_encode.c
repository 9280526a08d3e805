/* Lua values to Variants. What can't be encoded is reported with the path that leads to it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../core/utf8.h"
#include "variant.h"

/* Memory above this is given back after a call. */
enum { KEPT_BUFFER = 256 * 1024, PATH_SIZE = 200 };

static const char not_text[] = "a string that is not UTF-8 text (for bytes use ws.PackedByteArray)";

typedef struct encoder {
    lua_State *L;
    int types; /* stack index */
    wsm_bytes *out;
    bool full_objects;
    wsm_error error;
    const char *problem;
    char path[PATH_SIZE]; /* grows from its end to its beginning */
    size_t path_at;
    const void *ancestors[WSM_VARIANT_DEPTH_MAX + 2]; /* containers being encoded */
} encoder;

static bool encode(encoder *e, int index, int depth);

static bool fail(encoder *e, wsm_error error, const char *problem) {
    e->error = error;
    e->problem = problem;
    return false;
}

static bool checked(encoder *e, bool written) { return written || fail(e, WSM_ERR_OUT_OF_MEMORY, "out of memory"); }

/* Puts a step in front of the path to the culprit, while the recursion unwinds. */
static bool add_step(encoder *e, const char *step) {
    size_t size = strlen(step);
    if (size > e->path_at) size = e->path_at;
    e->path_at -= size;
    memcpy(e->path + e->path_at, step, size);
    return false;
}

static bool add_index(encoder *e, int index) {
    char step[24];
    snprintf(step, sizeof step, "[%d]", index);
    return add_step(e, step);
}

/* ".name", or "[key]" for a key that is not a plain name. */
static bool add_key(encoder *e, int key) {
    char step[64];
    lua_State *L = e->L;
    if (lua_type(L, key) == LUA_TSTRING) {
        snprintf(step, sizeof step, ".%.40s", lua_tostring(L, key));
    } else if (lua_type(L, key) == LUA_TNUMBER) {
        snprintf(step, sizeof step, "[%.14g]", lua_tonumber(L, key));
    } else {
        snprintf(step, sizeof step, "[%s]", luaL_typename(L, key));
    }
    return add_step(e, step);
}

/* ---- numbers ---- */

/* Integers that are no plain Lua numbers: objects of ws.int, and LuaJIT's 64-bit numbers. */
static bool split_int(encoder *e, int index, int64_t *value) {
    lua_State *L = e->L;
    lua_rawgeti(L, e->types, WSM_TYPE_SPLIT_INT);
    lua_pushvalue(L, index);
    lua_call(L, 1, 2);
    bool known = lua_isnumber(L, -2) != 0;
    if (known) *value = (int64_t)((uint64_t)(int64_t)lua_tonumber(L, -2) << 32 | (uint64_t)lua_tonumber(L, -1));
    lua_pop(L, 2);
    return known;
}

/* An integer, or a number that is one. */
static bool get_int(encoder *e, int index, int64_t *value) {
    lua_State *L = e->L;
    if (lua_type(L, index) != LUA_TNUMBER) return split_int(e, index, value);
#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(L, index)) {
        *value = lua_tointeger(L, index);
        return true;
    }
#endif
    lua_Number number = lua_tonumber(L, index);
    if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0) || number != floor(number)) return false;
    *value = (int64_t)number;
    return true;
}

static bool encode_number(encoder *e, int index) {
#if LUA_VERSION_NUM >= 503
    if (lua_isinteger(e->L, index)) return checked(e, wsm_write_int(e->out, lua_tointeger(e->L, index)));
    return checked(e, wsm_write_float(e->out, lua_tonumber(e->L, index)));
#else
    /* Without integers in the language, a number that is one is sent as one; ws.float says otherwise. */
    static const lua_Number exact = 9007199254740992.0;
    lua_Number value = lua_tonumber(e->L, index);
    bool integral = value >= -exact && value <= exact && value == floor(value) && !(value == 0 && signbit(value));
    return checked(e, integral ? wsm_write_int(e->out, (int64_t)value) : wsm_write_float(e->out, value));
#endif
}

/* ---- fields of objects ---- */

static bool push_field(encoder *e, int index, const char *name, int type) {
    lua_pushstring(e->L, name);
    lua_rawget(e->L, index);
    if (lua_type(e->L, -1) == type) return true;
    fail(e, WSM_ERR_INVALID_DATA,
         lua_pushfstring(e->L, "a %s, not a %s", lua_typename(e->L, type), luaL_typename(e->L, -2)));
    char step[64];
    snprintf(step, sizeof step, ".%s", name);
    return add_step(e, step);
}

static bool write_text_at(encoder *e, int index, bool terminated) {
    size_t size;
    if (lua_type(e->L, index) != LUA_TSTRING) return fail(e, WSM_ERR_INVALID_DATA, "a string is needed here");
    const char *text = lua_tolstring(e->L, index, &size);
    if (memchr(text, '\0', size) || !wsm_utf8_valid(text, size)) return fail(e, WSM_ERR_INVALID_DATA, not_text);
    return checked(e, wsm_write_text(e->out, text, size, terminated));
}

static bool write_int64_at(encoder *e, int index) {
    int64_t value;
    if (!get_int(e, index, &value)) return fail(e, WSM_ERR_INVALID_DATA, "an integer is needed here");
    return checked(e, wsm_write_u64(e->out, (uint64_t)value));
}

/* The part `name` of the object at `index`, encoded by `write`. */
static bool write_field(encoder *e, int index, const char *name, bool (*write)(encoder *e, int index)) {
    char step[64];
    lua_pushstring(e->L, name);
    lua_rawget(e->L, index);
    bool ok = write(e, lua_gettop(e->L));
    if (ok) {
        lua_pop(e->L, 1);
        return true;
    }
    snprintf(step, sizeof step, ".%s", name);
    return add_step(e, step);
}

static bool write_plain_text(encoder *e, int index) { return write_text_at(e, index, false); }

/* ---- compounds ---- */

static bool write_int32_at(encoder *e, int index) {
    int64_t value;
    if (!get_int(e, index, &value) || value < INT32_MIN || value > INT32_MAX)
        return fail(e, WSM_ERR_INVALID_DATA, "a 32-bit integer is needed here");
    return checked(e, wsm_write_u32(e->out, (uint32_t)(int32_t)value));
}

static bool write_float_at(encoder *e, int index) {
    if (lua_type(e->L, index) != LUA_TNUMBER) return fail(e, WSM_ERR_INVALID_DATA, "a number is needed here");
    return checked(e, wsm_write_f32(e->out, lua_tonumber(e->L, index)));
}

static bool write_double_at(encoder *e, int index) {
    if (lua_type(e->L, index) != LUA_TNUMBER) return fail(e, WSM_ERR_INVALID_DATA, "a number is needed here");
    return checked(e, wsm_write_f64(e->out, lua_tonumber(e->L, index)));
}

static bool write_compound(encoder *e, int index, int type);

#define COMPOUND_WRITER(name, type) \
    static bool name(encoder *e, int index) { return write_compound(e, index, type); }
COMPOUND_WRITER(write_vector2, WSM_VECTOR2)
COMPOUND_WRITER(write_vector2i, WSM_VECTOR2I)
COMPOUND_WRITER(write_vector3, WSM_VECTOR3)
COMPOUND_WRITER(write_vector4, WSM_VECTOR4)
COMPOUND_WRITER(write_basis, WSM_BASIS)
COMPOUND_WRITER(write_color, WSM_COLOR)

static bool (*part_writer(int type))(encoder *e, int index) {
    switch (type) {
    case WSM_PART_FLOAT: return write_float_at;
    case WSM_PART_INT: return write_int32_at;
    case WSM_VECTOR2: return write_vector2;
    case WSM_VECTOR2I: return write_vector2i;
    case WSM_VECTOR3: return write_vector3;
    case WSM_VECTOR4: return write_vector4;
    case WSM_COLOR: return write_color;
    default: return write_basis;
    }
}

/* The three columns were written one behind the other; Godot wants rows. */
static void turn_basis(encoder *e, size_t start) {
    unsigned char columns[36];
    memcpy(columns, e->out->data + start, sizeof columns);
    for (size_t row = 0; row < 3; row++)
        for (size_t column = 0; column < 3; column++)
            memcpy(e->out->data + start + 4 * (3 * row + column), columns + 4 * (3 * column + row), 4);
}

static bool write_compound(encoder *e, int index, int type) {
    const wsm_layout *layout = &wsm_layouts[type];
    size_t start = e->out->size;
    if (!lua_istable(e->L, index))
        return fail(e, WSM_ERR_INVALID_DATA, "a table with the parts of the value is needed here");
    for (int i = 0; i < layout->count; i++)
        if (!write_field(e, index, layout->parts[i].name, part_writer(layout->parts[i].type))) return false;
    if (type == WSM_BASIS) turn_basis(e, start);
    return true;
}

/* ---- sequences ---- */

/* The elements 1 to n, each by `write`, behind their count. */
static bool write_elements(encoder *e, int index, bool (*write)(encoder *e, int index)) {
    lua_State *L = e->L;
    size_t count = (size_t)lua_rawlen(L, index);
    if (count > INT32_MAX) return fail(e, WSM_ERR_OUT_OF_MEMORY, "too many elements");
    if (!checked(e, wsm_write_u32(e->out, (uint32_t)count))) return false;
    for (int i = 1; i <= (int)count; i++) {
        lua_rawgeti(L, index, i);
        if (!write(e, lua_gettop(L))) return add_index(e, i);
        lua_pop(L, 1);
    }
    return true;
}

static bool write_terminated_text(encoder *e, int index) { return write_text_at(e, index, true); }

static bool encode_packed(encoder *e, int index, int type) {
    if (!checked(e, wsm_write_u32(e->out, (uint32_t)type))) return false;
    if (type == WSM_PACKED_BYTE_ARRAY) {
        size_t size;
        if (!push_field(e, index, "bytes", LUA_TSTRING)) return false;
        const char *bytes = lua_tolstring(e->L, -1, &size);
        bool ok = size <= INT32_MAX && wsm_write_u32(e->out, (uint32_t)size) && wsm_bytes_append(e->out, bytes, size) &&
                  wsm_write_padding(e->out, size);
        lua_pop(e->L, 1);
        return checked(e, ok);
    }
    int element = wsm_packed_element(type);
    return write_elements(e, index,
                          element                            ? part_writer(element)
                          : type == WSM_PACKED_INT32_ARRAY   ? write_int32_at
                          : type == WSM_PACKED_INT64_ARRAY   ? write_int64_at
                          : type == WSM_PACKED_FLOAT32_ARRAY ? write_float_at
                          : type == WSM_PACKED_FLOAT64_ARRAY ? write_double_at
                                                             : write_terminated_text);
}

/* ---- names, ids, objects ---- */

static bool push_names(encoder *e, int index, const char *name, uint32_t *count) {
    if (!push_field(e, index, name, LUA_TTABLE)) return false;
    *count = (uint32_t)lua_rawlen(e->L, -1);
    return true;
}

static bool write_names(encoder *e, int index, uint32_t count) {
    for (int i = 1; i <= (int)count; i++) {
        lua_rawgeti(e->L, index, i);
        if (!write_text_at(e, lua_gettop(e->L), false)) return add_index(e, i);
        lua_pop(e->L, 1);
    }
    return true;
}

static bool encode_node_path(encoder *e, int index) {
    uint32_t names, subnames;
    lua_State *L = e->L;
    if (!push_names(e, index, "names", &names) || !push_names(e, index, "subnames", &subnames)) return false;
    lua_getfield(L, index, "absolute");
    uint32_t absolute = (uint32_t)lua_toboolean(L, -1);
    lua_pop(L, 1);
    int at = lua_gettop(L) - 1;
    bool ok = checked(e, wsm_write_u32(e->out, WSM_NODE_PATH) && wsm_write_u32(e->out, names | UINT32_C(0x80000000)) &&
                             wsm_write_u32(e->out, subnames) && wsm_write_u32(e->out, absolute)) &&
              write_names(e, at, names) && write_names(e, at + 1, subnames);
    if (ok) lua_pop(L, 2);
    return ok;
}

/* Notes a table whose content is encoded next; false if it lies within itself. */
static bool enter(encoder *e, int index, int depth) {
    const void *self = lua_topointer(e->L, index);
    for (int i = 0; i < depth; i++)
        if (e->ancestors[i] == self) return fail(e, WSM_ERR_INVALID_DATA, "a table that contains itself");
    e->ancestors[depth] = self;
    return true;
}

/* A class and its properties, as ws.bytes_to_var gives them when objects are allowed. */
static bool encode_full_object(encoder *e, int index, int depth) {
    lua_State *L = e->L;
    if (!e->full_objects) return fail(e, WSM_ERR_UNAUTHORIZED, "an object, and full objects are not asked for");
    if (!enter(e, index, depth)) return false;
    if (!checked(e, wsm_write_u32(e->out, WSM_OBJECT)) || !write_field(e, index, "class", write_plain_text) ||
        !push_field(e, index, "properties", LUA_TTABLE))
        return false;
    int properties = lua_gettop(L), count = (int)lua_rawlen(L, -1);
    if (!checked(e, wsm_write_u32(e->out, (uint32_t)count))) return false;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, properties, i);
        if (!lua_istable(L, -1)) return fail(e, WSM_ERR_INVALID_DATA, "a property has to be a table {name=, value=}");
        int property = lua_gettop(L);
        if (!write_field(e, property, "name", write_plain_text)) return add_index(e, i);
        lua_getfield(L, property, "value");
        if (!encode(e, property + 1, depth + 1)) return add_index(e, i);
        lua_settop(L, properties);
    }
    lua_pop(L, 1);
    return true;
}

static bool encode_object(encoder *e, int index, int depth) {
    lua_getfield(e->L, index, "object_id");
    bool id_only = !lua_isnil(e->L, -1);
    lua_pop(e->L, 1);
    if (!id_only) return encode_full_object(e, index, depth);
    return checked(e, wsm_write_u32(e->out, WSM_OBJECT | WSM_VARIANT_WIDE)) &&
           write_field(e, index, "object_id", write_int64_at);
}

/* ---- containers ---- */

/* What a container's elements are, or its keys and values: builtin types, WSM_NIL for any. */
typedef struct element_types {
    int types[2];
} element_types;

/* The types in a note that the decoder made: those of classes are a name of fixed length. */
static element_types noted_types(const char *note, size_t size) {
    enum { CLASS_SIZE = 24 };
    element_types elements = {{WSM_NIL, WSM_NIL}};
    size_t at = 4;
    for (int i = 0; i < 2; i++) {
        unsigned kind = (unsigned char)note[2] >> (2 * i) & WSM_KIND_MASK;
        if (kind == WSM_KIND_BUILTIN && at < size) elements.types[i] = (unsigned char)note[at];
        at += kind == WSM_KIND_NONE ? 0 : kind == WSM_KIND_BUILTIN ? 4 : CLASS_SIZE;
    }
    return elements;
}

/* An element. Where the language has no integers, a number among floats is one of them. */
static bool encode_element(encoder *e, int index, int wanted, int depth) {
    bool is_float = LUA_VERSION_NUM < 503 && wanted == WSM_FLOAT && lua_type(e->L, index) == LUA_TNUMBER;
    if (!is_float || depth > WSM_VARIANT_DEPTH_MAX) return encode(e, index, depth);
    return checked(e, wsm_write_float(e->out, lua_tonumber(e->L, index)));
}

/* Header of a container: plain, or the types that it came with. */
static bool write_container_head(encoder *e, int index, int type, element_types *elements) {
    lua_State *L = e->L;
    size_t size = 0;
    lua_rawgeti(L, e->types, WSM_TYPE_ELEMENTS);
    lua_pushvalue(L, index);
    lua_rawget(L, -2);
    const char *note = lua_tolstring(L, -1, &size);
    size_t header = e->out->size;
    bool ok = note && size >= 4 ? wsm_bytes_append(e->out, note, size) : wsm_write_u32(e->out, 0);
    if (ok) e->out->data[header] = (unsigned char)type;
    if (note && size >= 4) *elements = noted_types(note, size);
    lua_pop(L, 2);
    return checked(e, ok);
}

static bool encode_array(encoder *e, int index, int depth, bool annotated) {
    lua_State *L = e->L;
    size_t count = (size_t)lua_rawlen(L, index);
    element_types elements = {{WSM_NIL, WSM_NIL}};
    if (count > INT32_MAX) return fail(e, WSM_ERR_OUT_OF_MEMORY, "too many elements");
    if (!enter(e, index, depth)) return false;
    if (annotated ? !write_container_head(e, index, WSM_ARRAY, &elements)
                  : !checked(e, wsm_write_u32(e->out, WSM_ARRAY)))
        return false;
    if (!checked(e, wsm_write_u32(e->out, (uint32_t)count))) return false;
    for (int i = 1; i <= (int)count; i++) {
        lua_rawgeti(L, index, i);
        if (!encode_element(e, lua_gettop(L), elements.types[0], depth + 1)) return add_index(e, i);
        lua_pop(L, 1);
    }
    return true;
}

/* Encodes key (in its own form) and value, which lie on top, and takes them off. */
static bool encode_entry(encoder *e, const element_types *elements, int depth) {
    int key = lua_gettop(e->L) - 1;
    if (!encode_element(e, key, elements->types[0], depth + 1) ||
        !encode_element(e, key + 1, elements->types[1], depth + 1))
        return add_key(e, key);
    lua_settop(e->L, key - 1);
    return true;
}

/* The keys whose order is known, as long as they are there. Pushes the set of those that were written, if there are
 * others besides; else nil. */
static bool encode_ordered(encoder *e, int index, int order, const element_types *elements, int depth,
                           uint32_t *count) {
    lua_State *L = e->L;
    int total = (int)lua_rawlen(L, order);
    uint32_t present = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) present++;
    lua_newtable(L);
    int written = lua_gettop(L);
    for (int i = 1; i <= total; i++) {
        lua_rawgeti(L, order, i);
        int key = lua_gettop(L);
        bool is_name = false;
        if (lua_istable(L, key) && lua_getmetatable(L, key)) {
            lua_rawgeti(L, e->types, WSM_STRING_NAME);
            is_name = lua_rawequal(L, -1, -2);
            lua_pop(L, 2);
        }
        if (is_name)
            lua_getfield(L, key, "name");
        else
            lua_pushvalue(L, key);
        lua_pushvalue(L, -1);
        lua_rawget(L, written);
        bool again = !lua_isnil(L, -1);
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        if (again || lua_isnil(L, -1)) { /* twice in the list, or taken out */
            lua_settop(L, written);
            continue;
        }
        lua_pushvalue(L, -2);
        lua_pushboolean(L, 1);
        lua_rawset(L, written);
        lua_remove(L, -2);
        if (!encode_entry(e, elements, depth)) return false;
        ++*count;
    }
    if (*count == present) {
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    return true;
}

/* All keys, or those that are not in the set at `written` (0: none). */
static bool encode_rest(encoder *e, int index, int written, const element_types *elements, int depth, uint32_t *count) {
    lua_State *L = e->L;
    int key = lua_gettop(L) + 1;
    lua_pushnil(L);
    while (lua_next(L, index)) {
        bool done = false;
        if (written) {
            lua_pushvalue(L, key);
            lua_rawget(L, written);
            done = !lua_isnil(L, -1);
        }
        if (!done) {
            if (!encode_element(e, key, elements->types[0], depth + 1) ||
                !encode_element(e, key + 1, elements->types[1], depth + 1))
                return add_key(e, key);
            ++*count;
        }
        lua_settop(L, key);
    }
    return true;
}

/* A dictionary as it was received: its metatable is the list of its keys. */
static bool encode_by_shape(encoder *e, int index, int shape, const element_types *elements, int depth,
                            uint32_t *count) {
    lua_State *L = e->L;
    int keys = (int)lua_rawlen(L, shape);
    uint32_t present = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) present++;
    for (int i = 1; i <= keys; i++) {
        lua_rawgeti(L, shape, i);
        lua_pushvalue(L, -1);
        lua_rawget(L, index);
        if (lua_isnil(L, -1)) { /* taken out */
            lua_settop(L, shape);
            continue;
        }
        if (!encode_entry(e, elements, depth)) return false;
        ++*count;
    }
    if (*count == present) return true;
    lua_newtable(L); /* others came by rawset */
    for (int i = 1; i <= keys; i++) {
        lua_rawgeti(L, shape, i);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    }
    return encode_rest(e, index, lua_gettop(L), elements, depth, count);
}

static bool encode_dictionary(encoder *e, int index, int depth, bool annotated) {
    lua_State *L = e->L;
    uint32_t count = 0;
    element_types elements = {{WSM_NIL, WSM_NIL}};
    int top = lua_gettop(L);
    if (!enter(e, index, depth)) return false;
    if (annotated ? !write_container_head(e, index, WSM_DICTIONARY, &elements)
                  : !checked(e, wsm_write_u32(e->out, WSM_DICTIONARY)))
        return false;
    size_t count_at = e->out->size;
    if (!checked(e, wsm_write_u32(e->out, 0))) return false;
    bool shaped = annotated && lua_getmetatable(L, index) && lua_rawlen(L, -1) > 0, ordered = false;
    int shape = lua_gettop(L);
    if (annotated && !shaped) {
        lua_rawgeti(L, e->types, WSM_TYPE_ORDERS);
        lua_pushvalue(L, index);
        lua_rawget(L, -2);
        ordered = lua_istable(L, -1);
    }
    if (shaped) {
        if (!encode_by_shape(e, index, shape, &elements, depth, &count)) return false;
    } else if (ordered) {
        if (!encode_ordered(e, index, lua_gettop(L), &elements, depth, &count)) return false;
        if (!lua_isnil(L, -1) && !encode_rest(e, index, lua_gettop(L), &elements, depth, &count)) return false;
    } else if (!encode_rest(e, index, 0, &elements, depth, &count)) {
        return false;
    }
    wsm_patch_u32(e->out, count_at, count);
    lua_settop(L, top);
    return true;
}

/* A table without a type: a sequence becomes an Array, everything else (an empty one too) a Dictionary. */
static bool is_sequence(lua_State *L, int index) {
    size_t length = (size_t)lua_rawlen(L, index), count = 0;
    if (!length) return false;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1))
        if (++count > length) {
            lua_pop(L, 2);
            return false;
        }
    return count == length;
}

/* ---- everything ---- */

static bool encode_typed(encoder *e, int index, int type, int depth) {
    switch (type) {
    case WSM_NIL: return checked(e, wsm_write_u32(e->out, WSM_NIL));
    case WSM_INT: {
        int64_t value;
        if (!get_int(e, index, &value)) return fail(e, WSM_ERR_INVALID_DATA, "not an integer");
        return checked(e, wsm_write_int(e->out, value));
    }
    case WSM_FLOAT: {
        if (!push_field(e, index, "value", LUA_TNUMBER)) return false;
        bool ok = wsm_write_float(e->out, lua_tonumber(e->L, -1));
        lua_pop(e->L, 1);
        return checked(e, ok);
    }
    case WSM_STRING_NAME:
        return checked(e, wsm_write_u32(e->out, WSM_STRING_NAME)) && write_field(e, index, "name", write_plain_text);
    case WSM_NODE_PATH: return encode_node_path(e, index);
    case WSM_RID: return checked(e, wsm_write_u32(e->out, WSM_RID)) && write_field(e, index, "id", write_int64_at);
    case WSM_OBJECT: return encode_object(e, index, depth);
    case WSM_CALLABLE: return checked(e, wsm_write_u32(e->out, WSM_CALLABLE));
    case WSM_SIGNAL:
        return checked(e, wsm_write_u32(e->out, WSM_SIGNAL)) && write_field(e, index, "name", write_plain_text) &&
               write_field(e, index, "object_id", write_int64_at);
    case WSM_DICTIONARY: return encode_dictionary(e, index, depth, true);
    case WSM_ARRAY: return encode_array(e, index, depth, true);
    default:
        if (type >= WSM_PACKED_BYTE_ARRAY && type < WSM_VARIANT_TYPES) return encode_packed(e, index, type);
        if (type < 0 || type >= WSM_VARIANT_TYPES || !wsm_layouts[type].count)
            return fail(e, WSM_ERR_INVALID_DATA, "a table of an unknown type");
        return checked(e, wsm_write_u32(e->out, (uint32_t)type)) && write_compound(e, index, type);
    }
}

static bool encode_table(encoder *e, int index, int depth) {
    lua_State *L = e->L;
    if (lua_getmetatable(L, index)) {
        lua_pushliteral(L, "variant_type");
        lua_rawget(L, -2);
        bool typed = lua_type(L, -1) == LUA_TNUMBER;
        int type = (int)lua_tointeger(L, -1);
        lua_pop(L, 2);
        if (typed) return encode_typed(e, index, type, depth);
    }
    return is_sequence(L, index) ? encode_array(e, index, depth, false) : encode_dictionary(e, index, depth, false);
}

static bool encode_string(encoder *e, int index) {
    size_t size;
    const char *text = lua_tolstring(e->L, index, &size);
    wsm_error error = wsm_write_string(e->out, text, size);
    return error == WSM_ERR_INVALID_DATA ? fail(e, error, not_text) : checked(e, error == WSM_OK);
}

static bool encode(encoder *e, int index, int depth) {
    lua_State *L = e->L;
    int64_t value;
    if (depth > WSM_VARIANT_DEPTH_MAX || !lua_checkstack(L, 16))
        return fail(e, WSM_ERR_OUT_OF_MEMORY, "nested too deep");
    switch (lua_type(L, index)) {
    case LUA_TNIL: return checked(e, wsm_write_u32(e->out, WSM_NIL));
    case LUA_TBOOLEAN:
        return checked(e, wsm_write_u32(e->out, WSM_BOOL) && wsm_write_u32(e->out, (uint32_t)lua_toboolean(L, index)));
    case LUA_TNUMBER: return encode_number(e, index);
    case LUA_TSTRING: return encode_string(e, index);
    case LUA_TTABLE: return encode_table(e, index, depth);
    default:
        if (lua_type(L, index) > LUA_TTHREAD && split_int(e, index, &value))
            return checked(e, wsm_write_int(e->out, value));
        return fail(e, WSM_ERR_INVALID_DATA, lua_pushfstring(L, "a %s", luaL_typename(L, index)));
    }
}

/* The buffer that is kept between calls. A call within a call (a finalizer's) gets a new one, which is kept from then
 * on: the other may be busy for ever, if an error of a finalizer ended its call. */
static wsm_encode_buffer *take_buffer(lua_State *L, int types) {
    lua_rawgeti(L, types, WSM_TYPE_BUFFER);
    wsm_encode_buffer *buffer = lua_touserdata(L, -1);
    if (buffer->busy) {
        lua_pop(L, 1);
        buffer = wsm_push_encode_buffer(L, types);
        lua_pushvalue(L, -1);
        lua_rawseti(L, types, WSM_TYPE_BUFFER);
    }
    if (buffer->bytes.capacity > KEPT_BUFFER) wsm_bytes_release(&buffer->bytes);
    buffer->bytes.size = 0;
    buffer->busy = true;
    return buffer;
}

/* Leaves the buffer on top. */
static void start(encoder *e, lua_State *L, int types, bool full_objects, wsm_encode_buffer **out) {
    e->L = L;
    e->types = types;
    *out = take_buffer(L, types);
    e->out = &(*out)->bytes;
    e->full_objects = full_objects;
    e->path_at = PATH_SIZE;
}

/* `top` is where the buffer lies. */
static wsm_error finish(encoder *e, int top, bool ok, wsm_encode_buffer *out, wsm_reason *reason) {
    if (!ok) {
        const char *path = e->path + e->path_at;
        int size = (int)(PATH_SIZE - e->path_at);
        if (size && *path == '.') path++, size--;
        wsm_fail(reason, e->error, "%s%.*s%s%s", size ? "at " : "", size, path, size ? ": " : "", e->problem);
        out->busy = false;
    }
    lua_settop(e->L, top);
    return ok ? WSM_OK : e->error;
}

wsm_error wsm_encode_variant(lua_State *L, int types, int index, bool full_objects, wsm_encode_buffer **out,
                             wsm_reason *reason) {
    encoder e;
    start(&e, L, types, full_objects, out);
    int top = lua_gettop(L);
    bool ok = encode(&e, index, 0);
    return finish(&e, top, ok, *out, reason);
}

wsm_error wsm_encode_arguments(lua_State *L, int types, int index, int count, wsm_encode_buffer **out,
                               wsm_reason *reason) {
    encoder e;
    start(&e, L, types, false, out);
    int top = lua_gettop(L);
    bool ok = true;
    for (int i = 1; ok && i <= count; i++) {
        size_t offset = e.out->size;
        lua_rawgeti(L, index, i);
        ok = encode(&e, top + 1, 0) || add_index(&e, i);
        if (!ok) break;
        wsm_shorten(e.out, offset);
        lua_settop(L, top);
    }
    return finish(&e, top, ok, *out, reason);
}

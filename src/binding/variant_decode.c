/* Variants to Lua values. Every function that decodes pushes exactly one value if it returns OK, and nothing if not. */
#include <math.h>
#include <string.h>

#include "variant_decoder.h"

static void set_type(wsm_decoder *d, int type) {
    lua_rawgeti(d->L, d->types, type);
    lua_setmetatable(d->L, -2);
}

static void push_null(wsm_decoder *d) { lua_rawgeti(d->L, d->types, WSM_TYPE_NULL); }

static void push_int(wsm_decoder *d, int64_t value) {
#if LUA_VERSION_NUM >= 503
    lua_pushinteger(d->L, value);
#else
    static const int64_t exact = INT64_C(1) << 53;
    if (value >= -exact && value <= exact) {
        lua_pushnumber(d->L, (lua_Number)value);
        return;
    }
    lua_rawgeti(d->L, d->types, WSM_TYPE_MAKE_INT);
    lua_pushnumber(d->L, (lua_Number)(int32_t)((uint64_t)value >> 32));
    lua_pushnumber(d->L, (lua_Number)(uint32_t)value);
    lua_call(d->L, 2, 1);
#endif
}

int wsm_decoder_reserve(wsm_decoder *d, size_t count) {
    if (count > d->slots) count = d->slots;
    d->slots -= count;
    return (int)count;
}

/* Gives back what was pushed before an error. */
static wsm_error drop(wsm_decoder *d, int top, wsm_error error) {
    if (error) lua_settop(d->L, top);
    return error;
}

static wsm_error decode_int32(wsm_decoder *d) {
    uint32_t value;
    wsm_error error = wsm_read_u32(&d->reader, &value);
    if (!error) lua_pushinteger(d->L, (int32_t)value);
    return error;
}

static wsm_error decode_int64(wsm_decoder *d) {
    uint64_t value;
    wsm_error error = wsm_read_u64(&d->reader, &value);
    if (!error) push_int(d, (int64_t)value);
    return error;
}

static wsm_error decode_number(wsm_decoder *d, bool wide) {
    double value;
    wsm_error error = wsm_read_float(&d->reader, wide, &value);
    if (!error) lua_pushnumber(d->L, value);
    return error;
}

/* A number of a compound value, which is a float; the doubles of other builds are rounded, as Godot does. */
static wsm_error read_component(wsm_decoder *d, bool wide, double *value) {
    wsm_error error = wsm_read_float(&d->reader, wide, value);
    if (!error) *value = (double)(float)*value;
    return error;
}

static wsm_error decode_component(wsm_decoder *d, bool wide) {
    double value;
    wsm_error error = read_component(d, wide, &value);
    if (!error) lua_pushnumber(d->L, value);
    return error;
}

static wsm_error decode_text(wsm_decoder *d) {
    const char *text;
    size_t size;
    wsm_error error = wsm_read_text(&d->reader, &text, &size);
    if (!error) lua_pushlstring(d->L, text, size);
    return error;
}

/* ---- compounds ---- */

/* Nine numbers, row by row, into three column vectors. */
static wsm_error decode_basis(wsm_decoder *d, bool wide) {
    static const char *const columns[] = {"x", "y", "z"};
    double values[9];
    for (int i = 0; i < 9; i++) {
        wsm_error error = read_component(d, wide, &values[i]);
        if (error) return error;
    }
    lua_createtable(d->L, 0, 3);
    for (int column = 0; column < 3; column++) {
        lua_createtable(d->L, 0, 3);
        for (int row = 0; row < 3; row++) {
            lua_pushnumber(d->L, values[row * 3 + column]);
            lua_setfield(d->L, -2, columns[row]);
        }
        set_type(d, WSM_VECTOR3);
        lua_setfield(d->L, -2, columns[column]);
    }
    set_type(d, WSM_BASIS);
    return WSM_OK;
}

static wsm_error decode_compound(wsm_decoder *d, int type, bool wide) {
    const wsm_layout *layout = &wsm_layouts[type];
    int top = lua_gettop(d->L);
    if (type == WSM_BASIS) return decode_basis(d, wide);
    if (type == WSM_COLOR) wide = false; /* colours are always floats */
    lua_createtable(d->L, 0, layout->count);
    for (int i = 0; i < layout->count; i++) {
        const wsm_part *part = &layout->parts[i];
        wsm_error error = part->type == WSM_PART_FLOAT ? decode_component(d, wide)
                          : part->type == WSM_PART_INT ? decode_int32(d)
                                                       : decode_compound(d, part->type, wide);
        if (error) return drop(d, top, error);
        lua_setfield(d->L, -2, part->name);
    }
    set_type(d, type);
    return WSM_OK;
}

/* ---- packed arrays ---- */

static wsm_error decode_bytes(wsm_decoder *d) {
    const unsigned char *data;
    size_t size;
    wsm_error error = wsm_read_count(&d->reader, 1, &size);
    if (!error) error = wsm_read_padded(&d->reader, size, &data);
    if (error) return error;
    lua_createtable(d->L, 0, 1);
    lua_pushlstring(d->L, (const char *)data, size);
    lua_setfield(d->L, -2, "bytes");
    set_type(d, WSM_PACKED_BYTE_ARRAY);
    return WSM_OK;
}

/* Each counts its NUL, which may be missing. A negative count is no element at all. */
static wsm_error decode_strings(wsm_decoder *d) {
    uint32_t count;
    int top = lua_gettop(d->L);
    wsm_error error = wsm_read_u32(&d->reader, &count);
    if (error) return error;
    if (count > INT32_MAX) count = 0;
    lua_createtable(d->L, (int)(count < d->reader.left / 4 ? count : d->reader.left / 4), 0);
    for (uint32_t i = 1; i <= count; i++) {
        error = decode_text(d);
        if (error) return drop(d, top, error);
        lua_rawseti(d->L, -2, (int)i);
    }
    set_type(d, WSM_PACKED_STRING_ARRAY);
    return WSM_OK;
}

static wsm_error decode_packed(wsm_decoder *d, int type, bool wide) {
    int element = wsm_packed_element(type), top = lua_gettop(d->L);
    size_t size = element ? wsm_layout_size(element) * (wide && element != WSM_COLOR ? 2 : 1)
                  : type == WSM_PACKED_INT64_ARRAY || type == WSM_PACKED_FLOAT64_ARRAY ? 8
                                                                                       : 4;
    size_t count;
    wsm_error error = wsm_read_count(&d->reader, size, &count);
    if (error) return error;
    lua_createtable(d->L, (int)count, 0);
    for (size_t i = 1; i <= count; i++) {
        error = element                          ? decode_compound(d, element, wide)
                : type == WSM_PACKED_INT32_ARRAY ? decode_int32(d)
                : type == WSM_PACKED_INT64_ARRAY ? decode_int64(d)
                                                 : decode_number(d, type == WSM_PACKED_FLOAT64_ARRAY);
        if (error) return drop(d, top, error);
        lua_rawseti(d->L, -2, (int)i);
    }
    set_type(d, type);
    return WSM_OK;
}

/* ---- names, ids, objects ---- */

static wsm_error decode_string_name(wsm_decoder *d) {
    int top = lua_gettop(d->L);
    lua_createtable(d->L, 0, 1);
    wsm_error error = decode_text(d);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "name");
    set_type(d, WSM_STRING_NAME);
    return WSM_OK;
}

static wsm_error decode_names(wsm_decoder *d, uint32_t count) {
    int top = lua_gettop(d->L);
    if (count > d->reader.left / 4) return WSM_ERR_INVALID_DATA;
    lua_createtable(d->L, (int)count, 0);
    for (uint32_t i = 1; i <= count; i++) {
        wsm_error error = decode_text(d);
        if (error) return drop(d, top, error);
        lua_rawseti(d->L, -2, (int)i);
    }
    return WSM_OK;
}

static wsm_error decode_node_path(wsm_decoder *d) {
    enum { ABSOLUTE = 1, ONE_SUBNAME_MORE = 2 };
    static const uint32_t new_form = UINT32_C(0x80000000);
    uint32_t names, subnames, flags;
    int top = lua_gettop(d->L);
    wsm_error error = wsm_read_u32(&d->reader, &names);
    if (!error) error = wsm_read_u32(&d->reader, &subnames);
    if (!error) error = wsm_read_u32(&d->reader, &flags);
    if (error || !(names & new_form)) return WSM_ERR_INVALID_DATA;
    if (flags & ONE_SUBNAME_MORE) subnames++;
    lua_createtable(d->L, 0, 3);
    error = decode_names(d, names & ~new_form);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "names");
    error = decode_names(d, subnames);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "subnames");
    lua_pushboolean(d->L, (flags & ABSOLUTE) != 0);
    lua_setfield(d->L, -2, "absolute");
    set_type(d, WSM_NODE_PATH);
    return WSM_OK;
}

static wsm_error decode_rid(wsm_decoder *d) {
    int top = lua_gettop(d->L);
    lua_createtable(d->L, 0, 1);
    wsm_error error = decode_int64(d);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "id");
    set_type(d, WSM_RID);
    return WSM_OK;
}

static wsm_error decode_signal(wsm_decoder *d) {
    int top = lua_gettop(d->L);
    lua_createtable(d->L, 0, 2);
    wsm_error error = decode_text(d);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "name");
    error = decode_int64(d);
    if (error) return drop(d, top, error);
    lua_setfield(d->L, -2, "object_id");
    set_type(d, WSM_SIGNAL);
    return WSM_OK;
}

/* An object's id, which means nothing here but can be handed back; or, if allowed, its class and properties as data. */
static wsm_error decode_object(wsm_decoder *d, bool id_only, int depth) {
    int top = lua_gettop(d->L);
    if (id_only) {
        uint64_t id;
        wsm_error error = wsm_read_u64(&d->reader, &id);
        if (error) return error;
        if (!id) {
            lua_pushnil(d->L);
            return WSM_OK;
        }
        lua_createtable(d->L, 0, 1);
        push_int(d, (int64_t)id);
        lua_setfield(d->L, -2, "object_id");
        set_type(d, WSM_OBJECT);
        return WSM_OK;
    }
    if (!d->allow_objects) return WSM_ERR_UNAUTHORIZED;
    wsm_error error = decode_text(d);
    if (error) return error;
    if (lua_rawlen(d->L, -1) == 0) {
        lua_settop(d->L, top);
        lua_pushnil(d->L);
        return WSM_OK;
    }
    /* Reading drops one byte order mark, as Godot does; what has another would be read as no class at all next time. */
    if (!strncmp(lua_tostring(d->L, -1), "\xEF\xBB\xBF", 3)) return drop(d, top, WSM_ERR_INVALID_DATA);
    size_t count;
    lua_createtable(d->L, 0, 2);
    lua_insert(d->L, -2);
    lua_setfield(d->L, -2, "class");
    error = wsm_read_count(&d->reader, 8, &count);
    if (error) return drop(d, top, error);
    lua_createtable(d->L, wsm_decoder_reserve(d, count), 0);
    for (size_t i = 1; i <= count; i++) {
        lua_createtable(d->L, 0, 2);
        error = decode_text(d);
        if (error) return drop(d, top, error);
        lua_setfield(d->L, -2, "name");
        error = wsm_decode_value(d, depth + 1);
        if (error) return drop(d, top, error);
        lua_setfield(d->L, -2, "value");
        lua_rawseti(d->L, -2, (int)i);
    }
    lua_setfield(d->L, -2, "properties");
    set_type(d, WSM_OBJECT);
    return WSM_OK;
}

/* ---- containers ---- */

/* What the elements of a typed container are: a Variant type, or -1 for any. */
typedef struct element_type {
    wsm_variant_kind kind;
    int type;
} element_type;

static wsm_error read_element_type(wsm_decoder *d, uint32_t header, int shift, element_type *element) {
    const char *text;
    size_t size;
    uint32_t type;
    wsm_error error;
    *element = (element_type){(wsm_variant_kind)(header >> shift & WSM_KIND_MASK), -1};
    switch (element->kind) {
    case WSM_KIND_BUILTIN:
        error = wsm_read_u32(&d->reader, &type);
        if (error) return error;
        if (type >= WSM_VARIANT_TYPES) return WSM_ERR_INVALID_DATA;
        if (type == WSM_NIL) { /* as good as none */
            element->kind = WSM_KIND_NONE;
            return WSM_OK;
        }
        element->type = (int)type;
        if (type == WSM_OBJECT) element->kind = WSM_KIND_CLASS;
        return WSM_OK;
    case WSM_KIND_CLASS:
    case WSM_KIND_SCRIPT:
        error = wsm_read_text(&d->reader, &text, &size);
        element->kind = WSM_KIND_CLASS;
        element->type = WSM_OBJECT;
        return error;
    default: return WSM_OK;
    }
}

/* Notes how the container on top is typed, as the bytes that the encoder writes: header bits, then its types. Classes
 * are not known here: as Godot does without permission for objects, they become EncodedObjectAsID. */
static void note_types(wsm_decoder *d, const element_type *elements, int count) {
    static const char class_name[] = "\x11\0\0\0EncodedObjectAsID\0\0\0";
    unsigned char note[4 + 2 * (sizeof class_name - 1)] = {0};
    size_t size = 4;
    for (int i = 0; i < count; i++) {
        note[2] |= (unsigned char)((unsigned)elements[i].kind << (2 * i));
        if (elements[i].kind == WSM_KIND_BUILTIN) {
            memset(note + size, 0, 4);
            note[size] = (unsigned char)elements[i].type;
            size += 4;
        } else if (elements[i].kind == WSM_KIND_CLASS) {
            memcpy(note + size, class_name, sizeof class_name - 1);
            size += sizeof class_name - 1;
        }
    }
    if (!note[2]) return;
    lua_rawgeti(d->L, d->types, WSM_TYPE_ELEMENTS);
    lua_pushvalue(d->L, -2);
    lua_pushlstring(d->L, (const char *)note, size);
    lua_rawset(d->L, -3);
    lua_pop(d->L, 1);
}

/* The type in the header of the value that comes next. */
static int next_type(const wsm_decoder *d) { return d->reader.left ? d->reader.at[0] : -1; }

/* Decodes an element of a typed container, converting as Godot does. Sets `fits` to false (and pushes nothing) for one
 * that has to be left out. */
static wsm_error decode_element(wsm_decoder *d, const element_type *element, int depth, bool *fits) {
    int type = next_type(d), wanted = element->type;
    wsm_reader before = d->reader;
    wsm_error error = wsm_decode_value(d, depth);
    *fits = true;
    if (error || wanted < 0 || type == wanted) return error;
    lua_State *L = d->L;
    if (wanted == WSM_OBJECT && type == WSM_NIL) return WSM_OK;
    if (wanted == WSM_INT && type == WSM_FLOAT) {
        lua_Number value = lua_tonumber(L, -1);
        lua_pop(L, 1);
        push_int(d, value > -9.2e18 && value < 9.2e18 ? (int64_t)value : INT64_MIN);
    } else if (wanted == WSM_INT && type == WSM_BOOL) {
        int value = lua_toboolean(L, -1);
        lua_pop(L, 1);
        lua_pushinteger(L, value);
    } else if (wanted == WSM_FLOAT && type == WSM_INT) {
        lua_Number value = lua_tonumber(L, -1);
        uint32_t header;
        uint64_t wide;
        /* Beyond 2^53 it may be no Lua number. */
        if (lua_type(L, -1) != LUA_TNUMBER && !wsm_read_u32(&before, &header) && !wsm_read_u64(&before, &wide))
            value = (lua_Number)(int64_t)wide;
        lua_pop(L, 1);
        lua_pushnumber(L, value);
    } else if (wanted == WSM_STRING && type == WSM_STRING_NAME) {
        lua_getfield(L, -1, "name");
        lua_remove(L, -2);
    } else if (wanted == WSM_STRING_NAME && type == WSM_STRING) {
        lua_createtable(L, 0, 1);
        lua_insert(L, -2);
        lua_setfield(L, -2, "name");
        set_type(d, WSM_STRING_NAME);
    } else {
        lua_pop(L, 1);
        *fits = false;
    }
    return WSM_OK;
}

/* Counts of containers may have their top bit set, which meant something once. */
static wsm_error read_container_count(wsm_decoder *d, size_t element_size, size_t *count) {
    uint32_t value;
    wsm_error error = wsm_read_u32(&d->reader, &value);
    if (error) return error;
    value &= 0x7fffffff;
    /* What can't be there fails before memory is reserved for it. */
    if (value > d->reader.left / element_size) return WSM_ERR_INVALID_DATA;
    *count = value;
    return WSM_OK;
}

void wsm_decoder_replace_nil(wsm_decoder *d) {
    if (!lua_isnil(d->L, -1)) return;
    lua_pop(d->L, 1);
    push_null(d);
}

static wsm_error decode_array(wsm_decoder *d, uint32_t header, int depth) {
    element_type element;
    size_t count;
    int top = lua_gettop(d->L), filled = 0;
    wsm_error error = read_element_type(d, header, WSM_KIND_SHIFT, &element);
    if (!error) error = read_container_count(d, 4, &count);
    if (error) return error;
    lua_createtable(d->L, wsm_decoder_reserve(d, count), 0);
    for (size_t i = 0; i < count; i++) {
        bool fits;
        error = decode_element(d, &element, depth + 1, &fits);
        if (error) return drop(d, top, error);
        if (!fits) continue;
        wsm_decoder_replace_nil(d);
        lua_rawseti(d->L, -2, ++filled);
    }
    set_type(d, WSM_ARRAY);
    note_types(d, &element, 1);
    return WSM_OK;
}

/* A float that Lua would take for an integer as a key, and NaN, become an object: equal ones the same one of a
 * dictionary's `boxes`, a table that is made when it is needed. */
static void box_float(wsm_decoder *d, int boxes) {
    lua_State *L = d->L;
    lua_Number value = lua_tonumber(L, -1);
    if (value == value && (isinf(value) || value != floor(value))) return;
    if (lua_isnil(L, boxes)) {
        lua_newtable(L);
        lua_replace(L, boxes);
    }
    if (value == value)
        lua_pushnumber(L, value);
    else
        lua_pushliteral(L, "nan");
    lua_pushvalue(L, -1);
    lua_rawget(L, boxes);
    if (lua_isnil(L, -1)) { /* value, its name, nil */
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushvalue(L, -3);
        lua_setfield(L, -2, "value");
        set_type(d, WSM_FLOAT);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, boxes);
    }
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Pushes what is the key in Lua's table for the decoded key on top: for a StringName its text, as in Godot. */
static void push_table_key(wsm_decoder *d, int type) {
    if (type == WSM_STRING_NAME)
        lua_getfield(d->L, -1, "name");
    else
        lua_pushvalue(d->L, -1);
}

static wsm_error decode_dictionary(wsm_decoder *d, uint32_t header, int depth) {
    element_type elements[2];
    size_t count;
    lua_State *L = d->L;
    int top = lua_gettop(L), table = top + 1, order = top + 2, boxes = top + 3, ordered = 0;
    wsm_error error = read_element_type(d, header, WSM_KIND_SHIFT, &elements[0]);
    if (!error) error = read_element_type(d, header, WSM_VALUE_KIND_SHIFT, &elements[1]);
    if (!error) error = read_container_count(d, 8, &count);
    if (error) return error;
    bool plain = !(header >> WSM_KIND_SHIFT & 15) && count && count <= WSM_SHAPE_KEYS_MAX;
    size_t start = 0;
    lua_createtable(L, 0, wsm_decoder_reserve(d, count));
    if (plain) error = wsm_decode_by_shape(d, count, depth, &start);
    if (error) return drop(d, top, error);
    if (count && start == count) return WSM_OK;
    if (!start) lua_createtable(L, wsm_decoder_reserve(d, count), 0);
    ordered = (int)start;
    lua_pushnil(L);
    for (size_t i = start; i < count; i++) {
        bool fits;
        int type = elements[0].type >= 0 ? elements[0].type : next_type(d);
        plain = plain && type == WSM_STRING;
        error = decode_element(d, &elements[0], depth + 1, &fits);
        if (error) return drop(d, top, error);
        if (fits) {
            wsm_decoder_replace_nil(d);
            if (type == WSM_FLOAT) box_float(d, boxes);
            plain = plain && lua_rawlen(L, -1) <= WSM_SHAPE_KEY_SIZE_MAX;
            push_table_key(d, type);
        }
        error = wsm_decode_value(d, depth + 1);
        if (error) return drop(d, top, error);
        if (fits) {
            /* table, order, key, its form in the table, value */
            wsm_decoder_replace_nil(d);
            lua_pushvalue(L, -2);
            lua_rawget(L, table);
            bool repeated = !lua_isnil(L, -1);
            lua_pop(L, 1);
            lua_rawset(L, table);
            if (!repeated) lua_rawseti(L, order, ++ordered);
        }
        lua_settop(L, boxes);
    }
    lua_settop(L, order);
    if (plain && (size_t)ordered == count && wsm_add_shape(d, (int)count)) {
        lua_setmetatable(L, table);
        return WSM_OK;
    }
    lua_rawgeti(L, d->types, WSM_TYPE_ORDERS);
    lua_pushvalue(L, table);
    lua_pushvalue(L, order);
    lua_rawset(L, -3);
    lua_settop(L, table);
    set_type(d, WSM_DICTIONARY);
    note_types(d, elements, 2);
    return WSM_OK;
}

/* ---- everything ---- */

static wsm_error decode_bool(wsm_decoder *d) {
    uint32_t value;
    wsm_error error = wsm_read_u32(&d->reader, &value);
    if (!error) lua_pushboolean(d->L, value != 0);
    return error;
}

wsm_error wsm_decode_value(wsm_decoder *d, int depth) {
    uint32_t header;
    if (depth > WSM_VARIANT_DEPTH_MAX || !lua_checkstack(d->L, 16)) return WSM_ERR_OUT_OF_MEMORY;
    wsm_error error = wsm_read_u32(&d->reader, &header);
    if (error) return error;
    int type = (int)(header & 0xff);
    bool wide = header & WSM_VARIANT_WIDE;
    if (type >= WSM_VARIANT_TYPES) return WSM_ERR_INVALID_DATA;
    switch ((wsm_variant_type)type) {
    case WSM_NIL: lua_pushnil(d->L); return WSM_OK;
    case WSM_BOOL: return decode_bool(d);
    case WSM_INT: return wide ? decode_int64(d) : decode_int32(d);
    case WSM_FLOAT: return decode_number(d, wide);
    case WSM_STRING: return decode_text(d);
    case WSM_STRING_NAME: return decode_string_name(d);
    case WSM_NODE_PATH: return decode_node_path(d);
    case WSM_RID: return decode_rid(d);
    case WSM_OBJECT: return decode_object(d, wide, depth);
    case WSM_CALLABLE:
        lua_createtable(d->L, 0, 0);
        set_type(d, WSM_CALLABLE);
        return WSM_OK;
    case WSM_SIGNAL: return decode_signal(d);
    case WSM_DICTIONARY: return decode_dictionary(d, header, depth);
    case WSM_ARRAY: return decode_array(d, header, depth);
    case WSM_PACKED_BYTE_ARRAY: return decode_bytes(d);
    case WSM_PACKED_STRING_ARRAY: return decode_strings(d);
    default: return wsm_layouts[type].count ? decode_compound(d, type, wide) : decode_packed(d, type, wide);
    }
}

static wsm_error fail(const wsm_decoder *d, size_t size, wsm_error error, wsm_reason *reason) {
    const char *what = error == WSM_ERR_UNAUTHORIZED    ? "an object, and objects are not allowed"
                       : error == WSM_ERR_OUT_OF_MEMORY ? "nested too deep"
                                                        : "not a well-formed Variant";
    return wsm_fail(reason, error, "%s, at byte %zu of %zu", what, size - d->reader.left, size);
}

wsm_error wsm_decode_variant(lua_State *L, int types, const unsigned char *data, size_t size, bool allow_objects,
                             wsm_reason *reason) {
    wsm_decoder d = {L, types, {data, size}, allow_objects, size / 4};
    int top = lua_gettop(L);
    wsm_error error = wsm_decode_value(&d, 0);
    return error ? fail(&d, size, drop(&d, top, error), reason) : WSM_OK;
}

/* A value in the form of remote calls. */
static wsm_error decode_short(wsm_decoder *d) {
    wsm_variant_type type;
    int64_t value = 0;
    wsm_error error = wsm_read_short(&d->reader, &type, &value);
    if (error) return error;
    if (type == WSM_BOOL)
        lua_pushboolean(d->L, value != 0);
    else if (type == WSM_INT)
        push_int(d, value);
    else
        return wsm_decode_value(d, 0);
    return WSM_OK;
}

wsm_error wsm_decode_arguments(lua_State *L, int types, const unsigned char *data, size_t size, int count,
                               wsm_reason *reason) {
    wsm_decoder d = {L, types, {data, size}, false, size / 4};
    int top = lua_gettop(L);
    lua_createtable(L, (size_t)count <= size ? count : 0, 0);
    for (int i = 1; i <= count; i++) {
        wsm_error error = decode_short(&d);
        if (error) return fail(&d, size, drop(&d, top, error), reason);
        lua_rawseti(L, top + 1, i);
    }
    return WSM_OK;
}

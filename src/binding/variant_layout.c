#include "variant.h"

#define F(name) \
    { name, WSM_PART_FLOAT }
#define I(name) \
    { name, WSM_PART_INT }

const wsm_layout wsm_layouts[WSM_VARIANT_TYPES] = {
    [WSM_VECTOR2] = {2, {F("x"), F("y")}},
    [WSM_VECTOR2I] = {2, {I("x"), I("y")}},
    [WSM_RECT2] = {2, {{"position", WSM_VECTOR2}, {"size", WSM_VECTOR2}}},
    [WSM_RECT2I] = {2, {{"position", WSM_VECTOR2I}, {"size", WSM_VECTOR2I}}},
    [WSM_VECTOR3] = {3, {F("x"), F("y"), F("z")}},
    [WSM_VECTOR3I] = {3, {I("x"), I("y"), I("z")}},
    [WSM_TRANSFORM2D] = {3, {{"x", WSM_VECTOR2}, {"y", WSM_VECTOR2}, {"origin", WSM_VECTOR2}}},
    [WSM_VECTOR4] = {4, {F("x"), F("y"), F("z"), F("w")}},
    [WSM_VECTOR4I] = {4, {I("x"), I("y"), I("z"), I("w")}},
    [WSM_PLANE] = {2, {{"normal", WSM_VECTOR3}, F("d")}},
    [WSM_QUATERNION] = {4, {F("x"), F("y"), F("z"), F("w")}},
    [WSM_AABB] = {2, {{"position", WSM_VECTOR3}, {"size", WSM_VECTOR3}}},
    [WSM_BASIS] = {3, {{"x", WSM_VECTOR3}, {"y", WSM_VECTOR3}, {"z", WSM_VECTOR3}}},
    [WSM_TRANSFORM3D] = {2, {{"basis", WSM_BASIS}, {"origin", WSM_VECTOR3}}},
    [WSM_PROJECTION] = {4, {{"x", WSM_VECTOR4}, {"y", WSM_VECTOR4}, {"z", WSM_VECTOR4}, {"w", WSM_VECTOR4}}},
    [WSM_COLOR] = {4, {F("r"), F("g"), F("b"), F("a")}},
};

size_t wsm_layout_size(int type) {
    size_t size = 0;
    for (int i = 0; i < wsm_layouts[type].count; i++) {
        int part = wsm_layouts[type].parts[i].type;
        size += part <= WSM_PART_INT ? 4 : wsm_layout_size(part);
    }
    return size;
}

int wsm_packed_element(int type) {
    switch (type) {
    case WSM_PACKED_VECTOR2_ARRAY: return WSM_VECTOR2;
    case WSM_PACKED_VECTOR3_ARRAY: return WSM_VECTOR3;
    case WSM_PACKED_VECTOR4_ARRAY: return WSM_VECTOR4;
    case WSM_PACKED_COLOR_ARRAY: return WSM_COLOR;
    default: return 0;
    }
}

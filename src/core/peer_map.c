#include "peer_map.h"

#include "connection.h"
#include "memory.h"

/* Ids are random already; the multiplication guards against a peer that chose otherwise. */
static size_t home(const wsm_peer_map *map, int32_t id) {
    return (size_t)(((uint32_t)id * UINT32_C(2654435769)) >> 7) & (map->capacity - 1);
}

static size_t find(const wsm_peer_map *map, int32_t id) {
    size_t at = home(map, id);
    while (map->slots[at] && map->slots[at]->id != id) at = (at + 1) & (map->capacity - 1);
    return at;
}

wsm_connection *wsm_peer_map_get(const wsm_peer_map *map, int32_t id) {
    return map->capacity ? map->slots[find(map, id)] : NULL;
}

static bool grow(wsm_peer_map *map) {
    wsm_peer_map larger = {.capacity = map->capacity ? map->capacity * 2 : 16, .count = map->count};
    larger.slots = wsm_alloc_zero(larger.capacity * sizeof *larger.slots);
    if (!larger.slots) return false;
    for (size_t i = 0; i < map->capacity; i++)
        if (map->slots[i]) larger.slots[find(&larger, map->slots[i]->id)] = map->slots[i];
    wsm_free(map->slots);
    *map = larger;
    return true;
}

bool wsm_peer_map_put(wsm_peer_map *map, wsm_connection *connection) {
    if ((map->count + 1) * 2 > map->capacity && !grow(map)) return false;
    map->slots[find(map, connection->id)] = connection;
    map->count++;
    return true;
}

void wsm_peer_map_remove(wsm_peer_map *map, int32_t id) {
    if (!map->capacity) return;
    size_t mask = map->capacity - 1, hole = find(map, id);
    if (!map->slots[hole]) return;
    /* Moves those behind the hole back that would not be found any more. */
    for (size_t at = (hole + 1) & mask; map->slots[at]; at = (at + 1) & mask) {
        size_t wanted = home(map, map->slots[at]->id);
        if (((at - wanted) & mask) >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = NULL;
    map->count--;
}

void wsm_peer_map_release(wsm_peer_map *map) {
    wsm_free(map->slots);
    *map = (wsm_peer_map){0};
}

/* Connections by peer id. */
#ifndef WSM_PEER_MAP_H
#define WSM_PEER_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wsm_connection;

/* Open addressing with linear probing; zero-initialised is empty. Ids are positive. */
typedef struct wsm_peer_map {
    struct wsm_connection **slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
} wsm_peer_map;

struct wsm_connection *wsm_peer_map_get(const wsm_peer_map *map, int32_t id);
/* Files the connection under its id, which must be free; false without memory. */
bool wsm_peer_map_put(wsm_peer_map *map, struct wsm_connection *connection);
void wsm_peer_map_remove(wsm_peer_map *map, int32_t id);
void wsm_peer_map_release(wsm_peer_map *map);

#endif

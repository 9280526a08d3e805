/* A first-in first-out queue of received packets with their senders. Owns its memory; who pushes keeps the bounds. */
#ifndef WSM_PACKET_QUEUE_H
#define WSM_PACKET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

typedef struct wsm_packet {
    const unsigned char *data; /* valid until the packet is popped or the queue cleared */
    size_t size;
    int32_t source; /* sender's peer id */
    bool text;      /* came as a text message */
} wsm_packet;

struct wsm_packet_block;

/* Zero-initialised is empty. */
typedef struct wsm_packet_queue {
    struct wsm_packet_block *first, *last, *spare;
    size_t count;
} wsm_packet_queue;

/* Space for a packet of `size` bytes behind the last one, to be filled and then committed. Nothing else may be
 * pushed in between; a reservation that is not committed costs nothing. NULL without memory. */
unsigned char *wsm_packet_queue_reserve(wsm_packet_queue *queue, size_t size);
void wsm_packet_queue_commit(wsm_packet_queue *queue, size_t size, int32_t source, bool text);
/* Takes over the memory of `content` (which is empty afterwards) when that is cheaper than copying; false without
 * memory, `content` unchanged. */
bool wsm_packet_queue_push_bytes(wsm_packet_queue *queue, wsm_bytes *content, int32_t source, bool text);

/* The oldest packet; false if there is none. */
bool wsm_packet_queue_peek(const wsm_packet_queue *queue, wsm_packet *packet);
void wsm_packet_queue_pop(wsm_packet_queue *queue);
/* Drops everything and gives all memory back. */
void wsm_packet_queue_clear(wsm_packet_queue *queue);

#endif

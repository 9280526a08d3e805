/* A first-in first-out queue of received packets with their senders. Owns its memory; who pushes keeps the bounds. */
#ifndef WSM_PACKET_QUEUE_H
#define WSM_PACKET_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"

struct wsm_packet_block;

typedef struct wsm_packet {
    const unsigned char *data;
    size_t size;
    int32_t source;                 /* sender's peer id */
    bool text;                      /* came as a text message */
    size_t number;                  /* in the order of taking */
    struct wsm_packet_block *block; /* where `data` lies */
} wsm_packet;

/* Zero-initialised is empty. */
typedef struct wsm_packet_queue {
    struct wsm_packet_block *first, *last;
    size_t count;
    size_t keep; /* bytes of memory that stay for the next packets when the queue is empty */
    struct wsm_packet_block *spare;
    size_t spare_bytes;
    size_t taken; /* packets that are gone: the next one's number */
} wsm_packet_queue;

/* Space for a packet of `size` bytes behind the last one, to be filled and then committed. Nothing else may be
 * pushed in between; a reservation that is not committed costs nothing. NULL without memory. */
unsigned char *wsm_packet_queue_reserve(wsm_packet_queue *queue, size_t size);
void wsm_packet_queue_commit(wsm_packet_queue *queue, size_t size, int32_t source, bool text);
/* A packet that lies somewhere else and is unmasked on its way; `mask` is NULL if it is not masked. False without
 * memory. */
bool wsm_packet_queue_push(wsm_packet_queue *queue, const unsigned char *data, size_t size, const uint8_t *mask,
                           int32_t source);
/* Takes over the memory of `content` (which is empty afterwards) when that is cheaper than copying; false without
 * memory, `content` unchanged. */
bool wsm_packet_queue_push_bytes(wsm_packet_queue *queue, wsm_bytes *content, int32_t source, bool text);

/* The oldest packet, which stays in the queue; its data is valid until that changes. False if there is none. */
bool wsm_packet_queue_peek(const wsm_packet_queue *queue, wsm_packet *packet);
/* Its data stays valid from now on, whatever happens to the queue, until it is released. */
void wsm_packet_hold(wsm_packet *packet);
void wsm_packet_release(wsm_packet *packet);
/* Takes it out of the queue; false if it is not the oldest any more. */
bool wsm_packet_queue_remove(wsm_packet_queue *queue, const wsm_packet *packet);
/* All at once: the oldest packet, out of the queue and held. */
bool wsm_packet_queue_take(wsm_packet_queue *queue, wsm_packet *packet);
/* Drops everything and gives all memory back; `keep` stays. */
void wsm_packet_queue_clear(wsm_packet_queue *queue);

#endif

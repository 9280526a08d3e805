/* What a connection still has to send: whole frames, gathered so that many leave in one write. */
#ifndef WSM_SEND_QUEUE_H
#define WSM_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "frame.h"

/* Writable bytes that libwebsockets wants in front of what it is given (LWS_PRE; checked where it is known). */
enum { WSM_HEADROOM = 32 };

/* A place in a queue. */
typedef struct wsm_send_node {
    struct wsm_send_node *next;
    struct wsm_chunk *chunk;
} wsm_send_node;

/* Frames in one piece of memory; shared between connections when a broadcast is large. */
typedef struct wsm_chunk {
    unsigned refs;
    unsigned packets; /* data messages inside, and their payload in bytes */
    size_t payload;
    size_t size, capacity;
    wsm_send_node node;     /* its place, unless it is shared */
    unsigned char memory[]; /* WSM_HEADROOM bytes, then the content */
} wsm_chunk;

/* Chunks of usual sizes, kept for the next turn: the allocator would take as long as all the rest of a small message.
 * Zero-initialised is empty. */
typedef struct wsm_chunk_pool {
    wsm_send_node *first;
    size_t bytes;
} wsm_chunk_pool;

void wsm_chunk_pool_release(wsm_chunk_pool *pool);

static inline unsigned char *wsm_chunk_content(wsm_chunk *chunk) { return chunk->memory + WSM_HEADROOM; }
/* One data frame as a chunk of its own, unmasked; NULL without memory. */
wsm_chunk *wsm_chunk_frame(wsm_opcode opcode, const void *data, size_t size);
void wsm_chunk_unref(wsm_chunk *chunk);

/* Zero-initialised is empty. */
typedef struct wsm_send_queue {
    wsm_chunk_pool *pool; /* NULL: none */
    wsm_send_node *first, *last, *before_last;
    wsm_chunk *control; /* pongs and pings, which overtake data at a frame boundary */
    size_t size;        /* bytes, frame heads included */
    size_t payload;     /* bytes of data messages */
    size_t packets;     /* data messages */
} wsm_send_queue;

/* All appends return false without memory, the queue unchanged. `mask` is NULL on a server. */
bool wsm_send_queue_raw(wsm_send_queue *queue, const void *data, size_t size);
bool wsm_send_queue_frame(wsm_send_queue *queue, wsm_opcode opcode, const void *data, size_t size, const uint8_t *mask);
bool wsm_send_queue_control(wsm_send_queue *queue, wsm_opcode opcode, const void *data, size_t size,
                            const uint8_t *mask);
/* Most messages: small, unmasked, and there is room in the last chunk. False if it is not so. */
static inline bool wsm_send_queue_small(wsm_send_queue *queue, wsm_opcode opcode, const void *data, size_t size) {
    enum { SMALL = 125, HEAD = 2 };
    wsm_chunk *tail = queue->last ? queue->last->chunk : NULL;
    if (size > SMALL || !tail || queue->last != &tail->node || tail->capacity - tail->size < HEAD + size) return false;
    unsigned char *to = wsm_chunk_content(tail) + tail->size;
    to[0] = (unsigned char)(0x80 | opcode);
    to[1] = (unsigned char)size;
    if (size) memcpy(to + HEAD, data, size);
    tail->size += HEAD + size;
    tail->payload += size;
    tail->packets++;
    queue->size += HEAD + size;
    queue->payload += size;
    queue->packets++;
    return true;
}
/* Bytes of pongs and pings, frame heads included; and away with them. */
static inline size_t wsm_send_queue_control_size(const wsm_send_queue *queue) {
    return queue->control ? queue->control->size : 0;
}
void wsm_send_queue_drop_control(wsm_send_queue *queue);
/* Shares the chunk (takes a reference of its own). */
bool wsm_send_queue_chunk(wsm_send_queue *queue, wsm_chunk *chunk);

/* Takes the next chunk to write out of the queue, to be given back when it is written. NULL if there is none. */
wsm_chunk *wsm_send_queue_take(wsm_send_queue *queue);
void wsm_send_queue_done(wsm_send_queue *queue, wsm_chunk *chunk);
static inline bool wsm_send_queue_empty(const wsm_send_queue *queue) { return !queue->first && !queue->control; }
void wsm_send_queue_clear(wsm_send_queue *queue);

#endif

#include "send_queue.h"

#include <string.h>

#include "memory.h"

/* Small first, because most turns of a game send little; growing up to what leaves in one write. */
enum { CHUNK_MIN = 512, CHUNK_MAX = 64 * 1024 };
/* What a pool keeps: chunks up to this size, and no more than this in all. */
enum { POOLED_CHUNK = 16 * 1024, POOLED_BYTES = 1024 * 1024 };

static wsm_chunk *chunk_new(size_t capacity) {
    if (capacity > SIZE_MAX / 2) return NULL;
    wsm_chunk *chunk = wsm_alloc(sizeof *chunk + WSM_HEADROOM + capacity);
    if (!chunk) return NULL;
    *chunk = (wsm_chunk){.refs = 1, .capacity = capacity};
    return chunk;
}

static wsm_chunk *chunk_from_pool(wsm_chunk_pool *pool, size_t size) {
    if (!pool || !pool->first || pool->first->chunk->capacity < size) return NULL;
    wsm_chunk *chunk = pool->first->chunk;
    pool->first = chunk->node.next;
    pool->bytes -= chunk->capacity;
    return chunk;
}

void wsm_send_queue_done(wsm_send_queue *queue, wsm_chunk *chunk) {
    wsm_chunk_pool *pool = queue->pool;
    if (!pool || chunk->refs > 1 || chunk->capacity < CHUNK_MIN || chunk->capacity > POOLED_CHUNK ||
        pool->bytes + chunk->capacity > POOLED_BYTES) {
        wsm_chunk_unref(chunk);
        return;
    }
    chunk->packets = 0;
    chunk->payload = chunk->size = 0;
    chunk->node = (wsm_send_node){pool->first, chunk};
    pool->first = &chunk->node;
    pool->bytes += chunk->capacity;
}

void wsm_chunk_pool_release(wsm_chunk_pool *pool) {
    wsm_chunk *chunk;
    while ((chunk = chunk_from_pool(pool, 0))) wsm_chunk_unref(chunk);
}

void wsm_chunk_unref(wsm_chunk *chunk) {
    if (chunk && !--chunk->refs) wsm_free(chunk);
}

static inline void chunk_add_frame(wsm_chunk *chunk, wsm_opcode opcode, const void *data, size_t size,
                                   const uint8_t *mask) {
    unsigned char *to = wsm_chunk_content(chunk) + chunk->size;
    size_t head = wsm_frame_write_head(to, opcode, size, mask);
    if (mask)
        wsm_frame_mask(to + head, data, size, mask, 0);
    else if (size)
        memcpy(to + head, data, size);
    chunk->size += head + size;
    if (opcode <= WSM_OP_BINARY) {
        chunk->packets++;
        chunk->payload += size;
    }
}

wsm_chunk *wsm_chunk_frame(wsm_opcode opcode, const void *data, size_t size) {
    if (size > SIZE_MAX / 4) return NULL;
    wsm_chunk *chunk = chunk_new(size + WSM_FRAME_HEAD_MAX);
    if (chunk) chunk_add_frame(chunk, opcode, data, size, NULL);
    return chunk;
}

static void append(wsm_send_queue *queue, wsm_send_node *node, wsm_chunk *chunk) {
    *node = (wsm_send_node){NULL, chunk};
    *(queue->last ? &queue->last->next : &queue->first) = node;
    queue->before_last = queue->last;
    queue->last = node;
    queue->size += chunk->size;
    queue->payload += chunk->payload;
    queue->packets += chunk->packets;
}

bool wsm_send_queue_chunk(wsm_send_queue *queue, wsm_chunk *chunk) {
    wsm_send_node *node = wsm_alloc(sizeof *node);
    if (!node) return false;
    chunk->refs++;
    append(queue, node, chunk);
    return true;
}

/* A chunk that the queue owns alone, to which frames can be added; NULL if the last is none. */
static inline wsm_chunk *own_tail(const wsm_send_queue *queue) {
    wsm_chunk *tail = queue->last ? queue->last->chunk : NULL;
    return tail && queue->last == &tail->node ? tail : NULL;
}

/* A full chunk is grown, or followed by a new one. */
static wsm_chunk *make_room(wsm_send_queue *queue, size_t size) {
    wsm_chunk *tail = own_tail(queue);
    if (tail && tail->size + size <= CHUNK_MAX) {
        size_t capacity = tail->capacity * 2;
        while (capacity < tail->size + size) capacity *= 2;
        if (capacity > CHUNK_MAX) capacity = CHUNK_MAX;
        wsm_chunk *grown = wsm_realloc(tail, sizeof *tail + WSM_HEADROOM + capacity);
        if (!grown) return NULL;
        grown->capacity = capacity;
        grown->node = (wsm_send_node){NULL, grown};
        queue->last = *(queue->before_last ? &queue->before_last->next : &queue->first) = &grown->node;
        return grown;
    }
    wsm_chunk *chunk = chunk_from_pool(queue->pool, size);
    if (!chunk) chunk = chunk_new(size > CHUNK_MIN ? size : CHUNK_MIN);
    if (chunk) append(queue, &chunk->node, chunk);
    return chunk;
}

/* The last chunk, with room for `size` more bytes. */
static inline wsm_chunk *tail_with_room(wsm_send_queue *queue, size_t size) {
    wsm_chunk *tail = own_tail(queue);
    return tail && tail->capacity - tail->size >= size ? tail : make_room(queue, size);
}

bool wsm_send_queue_raw(wsm_send_queue *queue, const void *data, size_t size) {
    wsm_chunk *tail = tail_with_room(queue, size);
    if (!tail) return false;
    memcpy(wsm_chunk_content(tail) + tail->size, data, size);
    tail->size += size;
    queue->size += size;
    return true;
}

bool wsm_send_queue_frame(wsm_send_queue *queue, wsm_opcode opcode, const void *data, size_t size,
                          const uint8_t *mask) {
    if (size > SIZE_MAX / 4) return false;
    wsm_chunk *tail = tail_with_room(queue, size + WSM_FRAME_HEAD_MAX);
    if (!tail) return false;
    size_t before = tail->size;
    chunk_add_frame(tail, opcode, data, size, mask);
    queue->size += tail->size - before;
    if (opcode <= WSM_OP_BINARY) {
        queue->packets++;
        queue->payload += size;
    }
    return true;
}

bool wsm_send_queue_control(wsm_send_queue *queue, wsm_opcode opcode, const void *data, size_t size,
                            const uint8_t *mask) {
    wsm_chunk *control = queue->control;
    size_t needed = size + WSM_FRAME_HEAD_MAX;
    if (!control) {
        if (!(control = chunk_new(needed))) return false;
        queue->control = control;
    } else if (control->capacity - control->size < needed) {
        size_t capacity = control->capacity * 2 + needed;
        control = wsm_realloc(control, sizeof *control + WSM_HEADROOM + capacity);
        if (!control) return false;
        control->capacity = capacity;
        queue->control = control;
    }
    size_t before = control->size;
    chunk_add_frame(control, opcode, data, size, mask);
    queue->size += control->size - before;
    return true;
}

void wsm_send_queue_drop_control(wsm_send_queue *queue) {
    if (!queue->control) return;
    queue->size -= queue->control->size;
    wsm_chunk_unref(queue->control);
    queue->control = NULL;
}

wsm_chunk *wsm_send_queue_take(wsm_send_queue *queue) {
    wsm_chunk *chunk = queue->control;
    if (chunk) {
        queue->control = NULL;
    } else {
        wsm_send_node *node = queue->first;
        if (!node) return NULL;
        chunk = node->chunk;
        queue->first = node->next;
        if (!queue->first) queue->last = NULL;
        if (queue->before_last == node || !queue->first) queue->before_last = NULL;
        if (node != &chunk->node) wsm_free(node);
    }
    queue->size -= chunk->size;
    queue->payload -= chunk->payload;
    queue->packets -= chunk->packets;
    return chunk;
}

void wsm_send_queue_clear(wsm_send_queue *queue) {
    wsm_chunk *chunk;
    while ((chunk = wsm_send_queue_take(queue))) wsm_send_queue_done(queue, chunk);
}

#include "packet_queue.h"

#include <stdalign.h>
#include <string.h>

#include "frame.h"
#include "memory.h"

/* Packets lie one behind the other in blocks. One that is large, or came in its own memory, has a block to itself. */
enum { BLOCK_SIZE = 32 * 1024, LARGE = 8 * 1024 };

typedef struct record {
    size_t size;
    int32_t source;
    uint32_t text;
} record;

typedef struct wsm_packet_block {
    struct wsm_packet_block *next;
    unsigned refs;          /* the queue's, and one for each packet that was taken and not released */
    unsigned char *adopted; /* the only packet's content, if it is not inside */
    size_t read, write, capacity;
    alignas(max_align_t) unsigned char inside[];
} wsm_packet_block;

static size_t record_size(size_t payload) {
    return sizeof(record) + ((payload + sizeof(size_t) - 1) & ~(sizeof(size_t) - 1));
}

static void unref_block(wsm_packet_block *block) {
    if (!block || --block->refs) return;
    wsm_free(block->adopted);
    wsm_free(block);
}

static wsm_packet_block *take_spare(wsm_packet_queue *queue, size_t capacity) {
    struct wsm_packet_block **at = &queue->spare, *block;
    while (*at && (*at)->capacity < capacity) at = &(*at)->next;
    if (!(block = *at)) return NULL;
    *at = block->next;
    queue->spare_bytes -= block->capacity;
    return block;
}

static wsm_packet_block *append_block(wsm_packet_queue *queue, size_t capacity) {
    wsm_packet_block *block = take_spare(queue, capacity);
    if (!block) {
        block = wsm_alloc(sizeof *block + capacity);
        if (!block) return NULL;
        block->capacity = capacity;
    }
    block->next = NULL;
    block->refs = 1;
    block->adopted = NULL;
    block->read = block->write = 0;
    if (queue->last)
        queue->last->next = block;
    else
        queue->first = block;
    queue->last = block;
    return block;
}

static void drop_first(wsm_packet_queue *queue) {
    wsm_packet_block *block = queue->first;
    queue->first = block->next;
    if (!queue->first) queue->last = NULL;
    if (block->refs == 1 && !block->adopted && queue->spare_bytes + block->capacity <= queue->keep) {
        block->next = queue->spare;
        queue->spare = block;
        queue->spare_bytes += block->capacity;
    } else {
        unref_block(block);
    }
}

static bool used_up(const wsm_packet_block *block) { return block->read == block->write; }

/* The last block is kept a while when it was emptied: its packet may still be in use, or the next one be on its way. */
static void reuse_emptied(wsm_packet_queue *queue) {
    wsm_packet_block *block = queue->first;
    if (!used_up(block)) return;
    if (block->refs == 1 && block == queue->last && !block->adopted)
        block->read = block->write = 0;
    else
        drop_first(queue);
}

/* The last block, with room for a packet of this size. */
static wsm_packet_block *make_room(wsm_packet_queue *queue, size_t size) {
    if (size > SIZE_MAX / 2) return NULL;
    size_t needed = record_size(size);
    if (queue->first) reuse_emptied(queue);
    wsm_packet_block *block = queue->last;
    if (!block || block->adopted || needed > block->capacity - block->write) {
        if (block && used_up(block) && block == queue->first) drop_first(queue);
        block = append_block(queue, size >= LARGE ? needed : BLOCK_SIZE);
    }
    return block;
}

static inline wsm_packet_block *block_with_room(wsm_packet_queue *queue, size_t size) {
    wsm_packet_block *block = queue->last;
    bool simple = block && !block->adopted && !used_up(block) && size < LARGE &&
                  record_size(size) <= block->capacity - block->write;
    return simple ? block : make_room(queue, size);
}

unsigned char *wsm_packet_queue_reserve(wsm_packet_queue *queue, size_t size) {
    wsm_packet_block *block = block_with_room(queue, size);
    return block ? block->inside + block->write + sizeof(record) : NULL;
}

static void write_record(wsm_packet_queue *queue, wsm_packet_block *block, record content, size_t advance) {
    memcpy(block->inside + block->write, &content, sizeof content);
    block->write += advance;
    queue->count++;
}

void wsm_packet_queue_commit(wsm_packet_queue *queue, size_t size, int32_t source, bool text) {
    write_record(queue, queue->last, (record){size, source, text}, record_size(size));
}

bool wsm_packet_queue_push(wsm_packet_queue *queue, const unsigned char *data, size_t size, const uint8_t *mask,
                           int32_t source) {
    wsm_packet_block *block = block_with_room(queue, size);
    if (!block) return false;
    unsigned char *to = block->inside + block->write + sizeof(record);
    if (mask)
        wsm_frame_mask(to, data, size, mask, 0);
    else
        memcpy(to, data, size);
    write_record(queue, block, (record){size, source, false}, record_size(size));
    return true;
}

bool wsm_packet_queue_push_bytes(wsm_packet_queue *queue, wsm_bytes *content, int32_t source, bool text) {
    if (content->size < LARGE) {
        unsigned char *to = wsm_packet_queue_reserve(queue, content->size);
        if (!to) return false;
        if (content->size) memcpy(to, content->data, content->size);
        wsm_packet_queue_commit(queue, content->size, source, text);
        content->size = 0;
        return true;
    }
    wsm_packet_block *block = append_block(queue, sizeof(record));
    if (!block) return false;
    block->adopted = content->data;
    write_record(queue, block, (record){content->size, source, text}, sizeof(record));
    *content = (wsm_bytes){0};
    return true;
}

/* A reservation that was given up may have left empty blocks in front. */
static wsm_packet_block *first_filled(const wsm_packet_queue *queue) {
    wsm_packet_block *block = queue->first;
    while (block && used_up(block)) block = block->next;
    return block;
}

static void read_record(const wsm_packet_block *block, wsm_packet *packet) {
    record content;
    memcpy(&content, block->inside + block->read, sizeof content);
    *packet = (wsm_packet){.data = block->adopted ? block->adopted : block->inside + block->read + sizeof content,
                           .size = content.size,
                           .source = content.source,
                           .text = content.text != 0};
}

bool wsm_packet_queue_peek(const wsm_packet_queue *queue, wsm_packet *packet) {
    wsm_packet_block *block = first_filled(queue);
    if (!block) return false;
    read_record(block, packet);
    packet->block = block;
    packet->number = queue->taken;
    return true;
}

bool wsm_packet_queue_remove(wsm_packet_queue *queue, const wsm_packet *packet) {
    wsm_packet_block *block = packet->number == queue->taken ? first_filled(queue) : NULL;
    if (!block) return false;
    while (queue->first != block) drop_first(queue);
    block->read += block->adopted ? sizeof(record) : record_size(packet->size);
    queue->count--;
    queue->taken++;
    if (used_up(block) && block->capacity > queue->keep) drop_first(queue);
    return true;
}

bool wsm_packet_queue_take(wsm_packet_queue *queue, wsm_packet *packet) {
    if (!wsm_packet_queue_peek(queue, packet)) return false;
    wsm_packet_hold(packet);
    return wsm_packet_queue_remove(queue, packet);
}

void wsm_packet_hold(wsm_packet *packet) { packet->block->refs++; }

void wsm_packet_release(wsm_packet *packet) {
    unref_block(packet->block);
    packet->block = NULL;
}

void wsm_packet_queue_clear(wsm_packet_queue *queue) {
    wsm_packet_block *block;
    size_t keep = queue->keep;
    queue->keep = 0;
    while (queue->first) drop_first(queue);
    while ((block = take_spare(queue, 0))) unref_block(block);
    *queue = (wsm_packet_queue){.keep = keep, .taken = queue->taken + queue->count};
}

#include "connection.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "handshake.h"
#include "memory.h"
#include "utf8.h"

/* From this size on a broadcast is shared between connections instead of copied for each. */
enum { SHARED_SIZE = 4096 };
/* Gathered output leaves at this size even while more is being gathered. */
enum { GATHER_SIZE = 64 * 1024 };
/* From this size on a message is a write of its own, from where the program has it. */
enum { LONE_SIZE = 32 * 1024 };

void wsm_address_text(const wsm_address *address, char text[WSM_ADDRESS_TEXT_SIZE]) {
    const uint8_t *b = address->bytes;
    text[0] = '\0';
    if (address->size == 4) {
        snprintf(text, WSM_ADDRESS_TEXT_SIZE, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
    } else if (address->size == 16) {
        size_t at = 0;
        for (int i = 0; i < 16; i += 2)
            at += (size_t)snprintf(text + at, WSM_ADDRESS_TEXT_SIZE - at, i ? ":%x" : "%x",
                                   (unsigned)(b[i] << 8 | b[i + 1]));
    }
}

wsm_settings wsm_settings_default(void) {
    return (wsm_settings){.inbound_buffer_size = WSM_DEFAULT_BUFFER_SIZE,
                          .outbound_buffer_size = WSM_DEFAULT_BUFFER_SIZE,
                          .max_queued_packets = WSM_DEFAULT_MAX_QUEUED_PACKETS};
}

/* ---- life ---- */

wsm_connection *wsm_connection_new(bool server, const wsm_settings *settings, wsm_packet_queue *inbox) {
    wsm_connection *connection = wsm_alloc_zero(sizeof *connection);
    if (!connection) return NULL;
    connection->refs = 1;
    connection->server = server;
    connection->settings = *settings;
    wsm_string_list_ref(settings->protocols);
    wsm_string_list_ref(settings->headers);
    connection->inbox = inbox;
    connection->close_code = connection->sent_code = -1;
    connection->link.fd = -1;
    connection->round_trip_us = -1;
    return connection;
}

wsm_connection *wsm_connection_ref(wsm_connection *connection) {
    connection->refs++;
    return connection;
}

void wsm_connection_unref(wsm_connection *connection) {
    if (!connection || --connection->refs) return;
    wsm_string_list_unref(connection->settings.protocols);
    wsm_string_list_unref(connection->settings.headers);
    wsm_message_reset(&connection->message);
    wsm_bytes_release(&connection->held);
    wsm_send_queue_clear(&connection->out);
    wsm_free(connection->close_reason);
    wsm_free(connection->why);
    wsm_free(connection->url);
    wsm_free(connection->head);
    wsm_free(connection->protocol);
    wsm_free(connection);
}

void wsm_connection_disown(wsm_connection *connection) {
    connection->owner_ops = NULL;
    connection->owner = NULL;
    connection->inbox = NULL;
}

/* ---- states ---- */

static void link_changed(wsm_connection *connection) {
    if (connection->link.ops && !connection->link.attention) connection->link.ops->changed(connection);
}

void wsm_connection_set_state(wsm_connection *connection, wsm_ready_state state) {
    if (connection->state == state) return;
    connection->state = state;
    if (state >= WSM_STATE_CLOSING) {
        /* Nothing that arrives from now on is for the program. */
        wsm_message_reset(&connection->message);
        connection->stopped = connection->on_hold = false;
    }
    if (state == WSM_STATE_CLOSED) wsm_bytes_release(&connection->held);
    if (connection->owner_ops) connection->owner_ops->changed(connection);
    link_changed(connection);
}

void wsm_connection_explain(wsm_connection *connection, const char *why) {
    if (connection->why || !why) return;
    wsm_reason text;
    wsm_fail(&text, WSM_FAILED, "%s", why);
    connection->why = wsm_strndup(text.text, strlen(text.text));
}

void wsm_connection_abandon(wsm_connection *connection, const char *why) {
    if (connection->state == WSM_STATE_CLOSED) return;
    wsm_connection_explain(connection, why);
    connection->cut = true;
    wsm_send_queue_clear(&connection->out);
    wsm_connection_set_state(connection, WSM_STATE_CLOSED);
}

void wsm_connection_abandon_closing(wsm_connection *connection) {
    if (connection->state != WSM_STATE_CLOSED && !connection->deaf) {
        wsm_free(connection->why);
        connection->why = NULL;
    }
    wsm_connection_abandon(connection, "the closing handshake took too long");
}

static bool mask_for(wsm_connection *connection, uint8_t mask[4]) {
    return !connection->random || wsm_random_bytes(connection->random, mask, 4);
}

/* Queues a frame behind the data or, for pings and pongs, in front of it. */
static bool queue_frame(wsm_connection *connection, wsm_opcode opcode, const void *data, size_t size) {
    uint8_t bytes[4];
    const uint8_t *mask = connection->random ? bytes : NULL;
    if (!mask_for(connection, bytes)) return false;
    bool overtakes = (opcode == WSM_OP_PING || opcode == WSM_OP_PONG) && !connection->greeting;
    return overtakes ? wsm_send_queue_control(&connection->out, opcode, data, size, mask)
                     : wsm_send_queue_frame(&connection->out, opcode, data, size, mask);
}

static void queue_close(wsm_connection *connection, const void *payload, size_t size) {
    if (connection->close_sent) return;
    if (queue_frame(connection, WSM_OP_CLOSE, payload, size))
        connection->close_sent = true;
    else
        connection->cut = true;
}

static size_t close_payload(unsigned char payload[WSM_CONTROL_MAX], int code, const char *reason, size_t size) {
    if (code == 0) return 0;
    payload[0] = (unsigned char)(code >> 8);
    payload[1] = (unsigned char)code;
    size = wsm_utf8_cut(reason, size, WSM_CLOSE_REASON_MAX);
    if (size) memcpy(payload + 2, reason, size);
    return size + 2;
}

/* Nothing more is expected from the other side. A server's link goes on with a connection that is CLOSED until all is
 * sent; a client's socket ends with it, so it stays CLOSING until then. */
static void finish(wsm_connection *connection) {
    bool waits = false;
    connection->deaf = true;
    if (!connection->server && !connection->cut) {
        wsm_connection_flush(connection);
        waits = connection->alive && !connection->write_failed &&
                (wsm_connection_has_output(connection) || connection->link.ops->busy(connection));
    }
    if (waits) wsm_bytes_release(&connection->held);
    wsm_connection_set_state(connection, waits ? WSM_STATE_CLOSING : WSM_STATE_CLOSED);
}

/* This side ends the connection because of what it received. */
static void fail(wsm_connection *connection, int code) {
    const char *text = code == WSM_CLOSE_PROTOCOL_ERROR    ? "Protocol error"
                       : code == WSM_CLOSE_INVALID_PAYLOAD ? "Invalid frame payload data"
                       : code == WSM_CLOSE_TOO_BIG         ? "Message too big"
                                                           : "Out of memory";
    unsigned char payload[WSM_CONTROL_MAX];
    if (connection->state == WSM_STATE_CONNECTING) {
        wsm_connection_abandon(connection, text);
        return;
    }
    if (connection->state == WSM_STATE_OPEN) {
        connection->close_code = code;
        connection->close_reason = wsm_strndup(text, strlen(text));
    }
    wsm_connection_explain(connection,
                           code == WSM_CLOSE_TOO_BIG ? "a message larger than inbound_buffer_size was received" : text);
    if (!connection->greeting && !connection->close_sent) wsm_send_queue_clear(&connection->out);
    queue_close(connection, payload, close_payload(payload, code, "", 0));
    finish(connection);
}

void wsm_connection_receive_close(wsm_connection *connection, const unsigned char *payload, size_t size) {
    if ((connection->state != WSM_STATE_OPEN && connection->state != WSM_STATE_CLOSING) || connection->deaf) return;
    int code = size >= 2 ? payload[0] << 8 | payload[1] : 0;
    if (size == 1 || (size >= 2 && !wsm_close_code_valid(code))) {
        fail(connection, WSM_CLOSE_PROTOCOL_ERROR);
        return;
    }
    if (size > 2 && !wsm_utf8_valid(payload + 2, size - 2)) {
        fail(connection, WSM_CLOSE_INVALID_PAYLOAD);
        return;
    }
    connection->close_received = connection->clean = true;
    connection->close_code = code;
    wsm_free(connection->close_reason);
    connection->close_reason = size > 2 ? wsm_strndup((const char *)payload + 2, size - 2) : NULL;
    if (!connection->close_sent) {
        wsm_reason why;
        wsm_fail(&why, WSM_OK, "closed by the other side with code %d%s%s", code, connection->close_reason ? ": " : "",
                 connection->close_reason ? connection->close_reason : "");
        wsm_connection_explain(connection, why.text);
        /* Who closes does not want our data any more; Godot even hangs if much of it comes before the answer. */
        if (!connection->greeting) wsm_send_queue_clear(&connection->out);
        queue_close(connection, payload, size);
    }
    finish(connection);
}

static void take_held(wsm_connection *connection);

void wsm_connection_close(wsm_connection *connection, int code, const char *reason, size_t size) {
    unsigned char payload[WSM_CONTROL_MAX];
    if (code < 0 || connection->state == WSM_STATE_CONNECTING) {
        wsm_connection_abandon(connection, "closed by this program");
    } else if (connection->state == WSM_STATE_OPEN) {
        queue_close(connection, payload, close_payload(payload, code, reason, size));
        connection->sent_code = code;
        wsm_connection_explain(connection, "closed by this program");
        if (connection->cut) { /* no memory for the close frame: nothing to wait for */
            wsm_connection_abandon(connection, NULL);
            return;
        }
        connection->clean = true;
        wsm_connection_set_state(connection, WSM_STATE_CLOSING);
        wsm_connection_flush(connection);
        take_held(connection); /* for nobody, but the frame behind it must be found */
        if (!connection->alive) wsm_connection_set_state(connection, WSM_STATE_CLOSED);
    }
}

/* A forked child has the socket too, but it is the parent that goes on talking over it. */
static void forget_if_inherited(wsm_connection *connection) {
    if (!connection->alive || connection->link.process == (long)getpid()) return;
    connection->alive = false;
    connection->link.ops = NULL;
}

void wsm_connection_leave(wsm_connection *connection, int code) {
    forget_if_inherited(connection);
    wsm_connection_close(connection, code, "", 0);
    wsm_connection_set_state(connection, WSM_STATE_CLOSED);
}

/* Whether something received waits for the program to catch up: bytes, or an empty message whose head was all of it. */
static bool has_held(const wsm_connection *connection) {
    return connection->held.size || (connection->in_frame && !connection->frame_left);
}

static void end_of_stream(wsm_connection *connection) {
    wsm_connection_explain(connection, connection->state == WSM_STATE_CONNECTING
                                           ? "the connection ended during the handshake"
                                           : "the connection was lost");
    wsm_connection_set_state(connection, WSM_STATE_CLOSED);
}

void wsm_connection_lost(wsm_connection *connection) {
    connection->alive = false;
    wsm_send_queue_clear(&connection->out);
    connection->inflight_payload = connection->inflight_packets = 0;
    /* What was received comes first; the end follows when the program has taken it. */
    if (connection->state == WSM_STATE_OPEN && has_held(connection)) return;
    end_of_stream(connection);
}

/* ---- sending ---- */

static bool exceeds_limits(const wsm_connection *connection, size_t size) {
    size_t packets = connection->out.packets + connection->inflight_packets;
    size_t payload = connection->out.payload + connection->inflight_payload;
    int32_t bytes = connection->settings.outbound_buffer_size, count = connection->settings.max_queued_packets;
    if (size > INT32_MAX - WSM_FRAME_HEAD_MAX) return true; /* libwebsockets counts in int */
    return (count <= 0 || packets >= (size_t)count) ||
           (bytes > 0 && (size > (size_t)bytes || payload > (size_t)bytes - size));
}

/* Sends the message without copying it, if nothing is in front of it and the link can do that. */
static bool send_lone(wsm_connection *connection, wsm_opcode opcode, const void *data, size_t size) {
    unsigned char head[WSM_FRAME_HEAD_MAX];
    const wsm_link_ops *ops = connection->link.ops;
    if (connection->random || !ops->write_parts) return false;
    wsm_connection_flush(connection);
    if (!connection->alive || connection->write_failed || ops->busy(connection)) return false;
    size_t head_size = wsm_frame_write_head(head, opcode, size, NULL);
    int taken = ops->write_parts(connection, head, head_size, data, size);
    if (taken == 0) return false;
    if (taken < 0) connection->write_failed = true;
    bool left = ops->busy(connection);
    connection->inflight_payload = left ? size : 0;
    connection->inflight_packets = left;
    link_changed(connection);
    return true;
}

wsm_error wsm_connection_send(wsm_connection *connection, wsm_opcode opcode, const void *data, size_t size,
                              wsm_chunk **shared) {
    if (connection->state != WSM_STATE_OPEN || connection->write_failed || !connection->alive) return WSM_FAILED;
    if (exceeds_limits(connection, size)) {
        /* What is only gathered does not count: the socket may take it. */
        wsm_connection_flush(connection);
        if (exceeds_limits(connection, size)) return WSM_ERR_OUT_OF_MEMORY;
    }
    bool queued;
    if (!shared && size >= LONE_SIZE && send_lone(connection, opcode, data, size)) return WSM_OK;
    if (shared && !connection->random && size >= SHARED_SIZE) {
        if (!*shared) *shared = wsm_chunk_frame(opcode, data, size);
        queued = *shared && wsm_send_queue_chunk(&connection->out, *shared);
    } else if (!connection->random) {
        queued = wsm_send_queue_small(&connection->out, opcode, data, size) ||
                 wsm_send_queue_frame(&connection->out, opcode, data, size, NULL);
    } else {
        queued = queue_frame(connection, opcode, data, size);
    }
    if (!queued) return WSM_ERR_OUT_OF_MEMORY;
    if (connection->out.size >= GATHER_SIZE) wsm_connection_flush(connection);
    link_changed(connection);
    return WSM_OK;
}

bool wsm_connection_has_output(const wsm_connection *connection) { return !wsm_send_queue_empty(&connection->out); }

void wsm_connection_flush(wsm_connection *connection) {
    const wsm_link_ops *ops = connection->link.ops;
    while (connection->alive && !connection->write_failed && !ops->busy(connection)) {
        wsm_chunk *chunk = wsm_send_queue_take(&connection->out);
        if (!chunk) {
            connection->inflight_payload = connection->inflight_packets = 0;
            return;
        }
        connection->greeting = false;
        if (!ops->write(connection, wsm_chunk_content(chunk), chunk->size)) {
            connection->write_failed = true;
            wsm_send_queue_clear(&connection->out);
        }
        /* A message that is half sent counts in full. */
        connection->inflight_payload = chunk->payload;
        connection->inflight_packets = chunk->packets;
        wsm_send_queue_done(&connection->out, chunk);
    }
}

size_t wsm_connection_buffered(const wsm_connection *connection) {
    if (connection->state != WSM_STATE_OPEN) return 0;
    bool busy = connection->alive && connection->link.ops->busy(connection);
    return connection->out.payload + (busy ? connection->inflight_payload : 0);
}

/* ---- receiving ---- */

/* Whether the program has room for one more message of this size. One message always fits into an empty queue. */
static bool has_room(const wsm_connection *connection, size_t size) {
    int32_t bytes = connection->settings.inbound_buffer_size, count = connection->settings.max_queued_packets;
    if (connection->unread_packets == 0) return true;
    if (count > 0 && connection->unread_packets >= (size_t)count) return false;
    return bytes <= 0 || (size <= (size_t)bytes && connection->unread_bytes <= (size_t)bytes - size);
}

bool wsm_connection_can_resume(const wsm_connection *connection) {
    if (connection->on_hold) return false;
    if (!connection->stopped) return has_held(connection) && connection->state == WSM_STATE_OPEN;
    /* Not at each packet taken, so that a full queue does not turn into one system call a packet. */
    int32_t bytes = connection->settings.inbound_buffer_size, count = connection->settings.max_queued_packets;
    return (bytes <= 0 || connection->unread_bytes <= (size_t)bytes / 2) &&
           (count <= 0 || connection->unread_packets <= (size_t)count / 2) &&
           (!connection->in_frame ||
            has_room(connection, connection->message.body.size + (size_t)connection->frame.length));
}

bool wsm_connection_wants_input(const wsm_connection *connection) {
    return !connection->stopped && !connection->on_hold;
}

void wsm_connection_taken(wsm_connection *connection, size_t size) {
    if (!connection->unread_packets) return;
    connection->unread_bytes -= size;
    connection->unread_packets--;
    if (connection->stopped && wsm_connection_can_resume(connection)) link_changed(connection);
}

static size_t message_limit(const wsm_connection *connection) {
    int32_t limit = connection->settings.inbound_buffer_size;
    return limit > 0 ? (size_t)limit : 0;
}

static void count_unread(wsm_connection *connection, size_t size) {
    connection->unread_bytes += size;
    connection->unread_packets++;
}

/* Whether the message is neither the owner's first one nor an empty one to be dropped. */
static bool is_packet(wsm_connection *connection, const unsigned char *data, size_t size) {
    if (!connection->first_message_seen && connection->owner_ops && connection->owner_ops->first_message) {
        connection->first_message_seen = true;
        connection->owner_ops->first_message(connection, data, size);
        return false;
    }
    return connection->inbox && connection->state == WSM_STATE_OPEN && (size || !connection->drop_empty);
}

static void deliver_message(wsm_connection *connection) {
    wsm_message *message = &connection->message;
    size_t size = message->body.size;
    if (is_packet(connection, message->body.data, size)) {
        if (!wsm_packet_queue_push_bytes(connection->inbox, &message->body, connection->id, message->text)) {
            fail(connection, WSM_CLOSE_INTERNAL_ERROR);
            return;
        }
        count_unread(connection, size);
    }
    wsm_message_reset(message);
}

/* A whole message, from the read buffer straight into the inbox. */
static void deliver_frame(wsm_connection *connection, unsigned char *data, size_t size, bool text,
                          const uint8_t *mask) {
    unsigned char *to = connection->inbox ? wsm_packet_queue_reserve(connection->inbox, size) : data;
    if (!to) {
        fail(connection, WSM_CLOSE_INTERNAL_ERROR);
        return;
    }
    if (mask)
        wsm_frame_mask(to, data, size, mask, 0);
    else if (to != data)
        memcpy(to, data, size);
    if (text && !wsm_utf8_valid(to, size)) {
        fail(connection, WSM_CLOSE_INVALID_PAYLOAD);
    } else if (is_packet(connection, to, size)) {
        wsm_packet_queue_commit(connection->inbox, size, connection->id, text);
        count_unread(connection, size);
    }
}

/* Who sends pings without reading the pongs must not fill our memory: only the latest has to be answered. */
static void make_room_for_pong(wsm_connection *connection) {
    enum { UNSENT = 16 * 1024 };
    if (wsm_send_queue_control_size(&connection->out) < UNSENT) return;
    wsm_connection_flush(connection);
    wsm_send_queue_drop_control(&connection->out);
}

static void handle_control(wsm_connection *connection) {
    switch (connection->frame.opcode) {
    case WSM_OP_PING:
        if (connection->close_sent) break;
        make_room_for_pong(connection);
        if (queue_frame(connection, WSM_OP_PONG, connection->control, connection->control_size))
            link_changed(connection);
        else
            fail(connection, WSM_CLOSE_INTERNAL_ERROR);
        break;
    case WSM_OP_CLOSE: wsm_connection_receive_close(connection, connection->control, connection->control_size); break;
    default: wsm_connection_receive_pong(connection, connection->control, connection->control_size); break;
    }
}

/* The head of a frame was read; checks that need the message so far. */
static void begin_frame(wsm_connection *connection) {
    connection->in_frame = true;
    connection->frame_left = connection->frame.length;
    connection->control_size = 0;
    if (connection->frame.opcode >= WSM_OP_CLOSE || connection->state != WSM_STATE_OPEN) return;
    int code = wsm_message_begin_frame(&connection->message, connection->frame.opcode, connection->frame.length,
                                       message_limit(connection));
    if (code) fail(connection, code);
}

static void end_frame(wsm_connection *connection) {
    connection->in_frame = false;
    if (connection->frame.opcode >= WSM_OP_CLOSE) {
        handle_control(connection);
    } else if (connection->state == WSM_STATE_OPEN) {
        int code = wsm_message_end_frame(&connection->message, connection->frame.fin);
        if (code)
            fail(connection, code);
        else if (connection->frame.fin)
            deliver_message(connection);
    }
}

/* Takes payload of the current frame from `data`; returns the bytes used. */
static size_t take_payload(wsm_connection *connection, unsigned char *data, size_t size) {
    wsm_frame_head *frame = &connection->frame;
    size_t part = size < connection->frame_left ? size : (size_t)connection->frame_left;
    bool control = frame->opcode >= WSM_OP_CLOSE;
    if (!control && connection->state == WSM_STATE_OPEN && part == frame->length && frame->fin &&
        frame->opcode != WSM_OP_CONTINUATION) {
        connection->in_frame = false;
        connection->message.text = false; /* nothing was started after all */
        deliver_frame(connection, data, part, frame->opcode == WSM_OP_TEXT, frame->masked ? frame->mask : NULL);
        return part;
    }
    uint64_t offset = frame->length - connection->frame_left;
    connection->frame_left -= part;
    if (control) {
        if (frame->masked) wsm_frame_mask(data, data, part, frame->mask, offset);
        memcpy(connection->control + connection->control_size, data, part);
        connection->control_size = (uint8_t)(connection->control_size + part);
    } else if (connection->state == WSM_STATE_OPEN) {
        int code = wsm_message_append(&connection->message, data, part, frame->masked ? frame->mask : NULL, offset,
                                      connection->frame_left);
        if (code) fail(connection, code);
    }
    if (connection->frame_left == 0 && !connection->deaf) end_frame(connection);
    return part;
}

/* The common case: whole data messages, each in one frame that is all there. Returns the bytes used, before the first
 * frame that is anything else. */
static size_t take_whole_frames(wsm_connection *connection, unsigned char *data, size_t size) {
    enum { FIN_TEXT = 0x80 | WSM_OP_TEXT, FIN_BINARY = 0x80 | WSM_OP_BINARY, SHORTEST = 2, MASK = 4 };
    size_t used = 0, limit = message_limit(connection), mask = connection->server ? MASK : 0;
    if (connection->reader.have || connection->message.started) return 0;
    bool asks = !connection->first_message_seen && connection->owner_ops && connection->owner_ops->first_message;
    while (connection->state == WSM_STATE_OPEN && size - used >= SHORTEST + 2 + mask) {
        unsigned char *head = data + used;
        size_t length = head[1] & 0x7f, head_size = SHORTEST + mask;
        if ((head[0] != FIN_BINARY && head[0] != FIN_TEXT) || (head[1] & 0x80) != (mask ? 0x80 : 0)) break;
        if (length == 126) {
            length = (size_t)head[2] << 8 | head[3];
            head_size += 2;
        }
        /* Longer lengths, and such that are written too long, are read with care. */
        if (length <= 125 ? head_size > SHORTEST + mask : head_size == SHORTEST + mask) break;
        if (size - used - head_size < length || (limit && length > limit) || !has_room(connection, length)) break;
        unsigned char *payload = head + head_size;
        used += head_size + length;
        if (asks || !connection->inbox || !length || head[0] == FIN_TEXT) {
            deliver_frame(connection, payload, length, head[0] == FIN_TEXT, mask ? payload - mask : NULL);
            asks = false;
        } else if (wsm_packet_queue_push(connection->inbox, payload, length, mask ? payload - mask : NULL,
                                         connection->id)) {
            count_unread(connection, length);
        } else {
            fail(connection, WSM_CLOSE_INTERNAL_ERROR);
        }
    }
    return used;
}

/* Handles frames until the bytes are used up or the program has to catch up; returns the bytes used. */
static size_t take_frames(wsm_connection *connection, unsigned char *data, size_t size) {
    size_t used = 0;
    while ((connection->state == WSM_STATE_OPEN || connection->state == WSM_STATE_CLOSING) && !connection->deaf) {
        if (!connection->in_frame) {
            size_t taken;
            used += take_whole_frames(connection, data + used, size - used);
            if (connection->deaf) break;
            wsm_frame_status status = wsm_frame_read_head(&connection->reader, connection->server, data + used,
                                                          size - used, &taken, &connection->frame);
            used += taken;
            if (status == WSM_FRAME_MORE) return used;
            if (status == WSM_FRAME_INVALID) {
                fail(connection, WSM_CLOSE_PROTOCOL_ERROR);
                break;
            }
            begin_frame(connection);
            if (connection->deaf) break;
        }
        if (connection->frame.opcode <= WSM_OP_BINARY && connection->frame.fin && connection->state == WSM_STATE_OPEN &&
            connection->frame_left == connection->frame.length &&
            !has_room(connection, connection->message.body.size + (size_t)connection->frame.length)) {
            connection->stopped = true;
            return used;
        }
        if (used == size && connection->frame_left) return used;
        used += take_payload(connection, data + used, size - used);
    }
    return size; /* a closed connection needs nothing more */
}

/* ---- heartbeat ---- */

int64_t wsm_connection_heartbeat(wsm_connection *connection, int64_t now_ms) {
    int64_t interval = connection->settings.heartbeat_ms;
    if (interval <= 0 || connection->state != WSM_STATE_OPEN || !connection->alive) return 0;
    if (connection->pinged_ms && now_ms - connection->pinged_ms < interval) return connection->pinged_ms + interval;
    /* A program that did not poll may be the other side's host as well, which could not answer either: it gets a second
     * chance. Whom we have stopped reading, its answer lies unread. */
    bool late = connection->pinged_ms && now_ms - connection->pinged_ms > interval + interval / 2;
    bool silent = connection->pinged_ms && !connection->heard && wsm_connection_wants_input(connection);
    if (silent && !(late && !connection->ping_repeated)) {
        wsm_connection_abandon(connection, "the heartbeat was not answered: the link is dead");
        return 0;
    }
    connection->ping_repeated = silent;
    connection->pinged_ms = now_ms;
    connection->pinged_us = wsm_clock_us();
    connection->heard = false;
    if (queue_frame(connection, WSM_OP_PING, &connection->pinged_us, sizeof connection->pinged_us))
        link_changed(connection);
    return now_ms + interval;
}

void wsm_connection_receive_pong(wsm_connection *connection, const unsigned char *payload, size_t size) {
    connection->heard = true;
    if (size == sizeof connection->pinged_us && connection->pinged_ms && !memcmp(payload, &connection->pinged_us, size))
        connection->round_trip_us = wsm_clock_us() - connection->pinged_us;
}

void wsm_connection_set_heartbeat(wsm_connection *connection, int64_t interval_ms) {
    connection->settings.heartbeat_ms = interval_ms;
    link_changed(connection);
}

/* ---- entry points of the links ---- */

static void take_held(wsm_connection *connection) {
    unsigned char nothing = 0;
    bool expected = connection->state == WSM_STATE_OPEN || connection->state == WSM_STATE_CLOSING;
    if (has_held(connection) && expected && wsm_connection_wants_input(connection)) {
        size_t used =
            take_frames(connection, connection->held.size ? connection->held.data : &nothing, connection->held.size);
        if (connection->held.size)
            wsm_bytes_drop_front(&connection->held, used < connection->held.size ? used : connection->held.size);
    }
    if (!connection->held.size) wsm_bytes_release(&connection->held);
}

void wsm_connection_receive(wsm_connection *connection, unsigned char *data, size_t size) {
    if (connection->state == WSM_STATE_CLOSED || connection->deaf) return;
    connection->heard = true;
    size_t used = 0, seen = connection->held.size;
    if (connection->state != WSM_STATE_CONNECTING && !seen && wsm_connection_wants_input(connection))
        used = take_frames(connection, data, size);
    if (used == size || connection->state == WSM_STATE_CLOSED || connection->deaf) return;
    if (!wsm_bytes_append(&connection->held, data + used, size - used)) {
        fail(connection, WSM_CLOSE_INTERNAL_ERROR);
        return;
    }
    if (connection->state == WSM_STATE_CONNECTING) wsm_handshake_receive(connection, seen);
    take_held(connection);
}

void wsm_connection_resume(wsm_connection *connection) {
    if (!wsm_connection_can_resume(connection)) return;
    connection->stopped = false;
    take_held(connection);
    if (!connection->alive && !has_held(connection) && connection->state != WSM_STATE_CLOSED) end_of_stream(connection);
    link_changed(connection);
}

void wsm_connection_opened(wsm_connection *connection) { wsm_connection_set_state(connection, WSM_STATE_OPEN); }

/* A whole binary message in one part, the common case: straight into the inbox. */
static void receive_whole(wsm_connection *connection, const unsigned char *data, size_t size) {
    size_t limit = message_limit(connection);
    if (limit && size > limit) {
        fail(connection, WSM_CLOSE_TOO_BIG);
    } else if (is_packet(connection, data, size)) {
        if (wsm_packet_queue_push(connection->inbox, data, size, NULL, connection->id))
            count_unread(connection, size);
        else
            fail(connection, WSM_CLOSE_INTERNAL_ERROR);
    }
}

static void receive_parts(wsm_connection *connection, bool text, bool complete, const unsigned char *data, size_t size,
                          size_t frame_rest) {
    wsm_message *message = &connection->message;
    bool starts = !message->started; /* libwebsockets has checked the order of fragments */
    int code = wsm_message_begin_frame(message,
                                       !starts ? WSM_OP_CONTINUATION
                                       : text  ? WSM_OP_TEXT
                                               : WSM_OP_BINARY,
                                       size + frame_rest, message_limit(connection));
    if (!code) code = wsm_message_append(message, data, size, NULL, 0, frame_rest);
    if (!code) code = wsm_message_end_frame(message, complete);
    if (code)
        fail(connection, code);
    else if (complete)
        deliver_message(connection);
}

void wsm_connection_receive_part(wsm_connection *connection, bool text, bool final, const unsigned char *data,
                                 size_t size, size_t frame_rest) {
    connection->heard = true;
    if (connection->state != WSM_STATE_OPEN) return;
    bool complete = final && !frame_rest;
    if (complete && !text && size && !connection->message.started)
        receive_whole(connection, data, size);
    else
        receive_parts(connection, text, complete, data, size, frame_rest);
    if (!complete || connection->state != WSM_STATE_OPEN) return;
    /* What was read already still comes, so the bound is passed by one read at the most. */
    connection->stopped = !has_room(connection, 1);
    if (connection->stopped) link_changed(connection);
}

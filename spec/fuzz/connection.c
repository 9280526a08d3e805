/* libFuzzer target: whole connections over a link that only records. The same bytes go into a server's or a client's
 * connection in several ways, cut in several places: what the program gets and how the connection ends must not depend on
 * the way, every byte that is sent must be part of a good answer, and the accounts must agree.
 *
 * An input is: a byte of switches, a byte from which the pieces are drawn, and the stream. */
#include <stdbool.h>
#include <string.h>

#include "../../src/core/connection.h"
#include "../../src/core/memory.h"
#include "../../src/core/upgrade.h"
#include "../../src/core/utf8.h"
#include "fuzz.h"

/* The switches. */
enum { AS_CLIENT = 1, WITHOUT_REQUEST = 2, TIGHT = 4, SLOW_PROGRAM = 8, BUSY_LINK = 16, ECHOES = 32, CLOSES = 64 };

static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

typedef struct end {
    wsm_connection *connection;
    wsm_packet_queue inbox;
    wsm_random random;
    wsm_bytes written, taken; /* `taken`: the packets with their sizes and kinds */
    bool busy;
    /* how libwebsockets would have read it, which it does over TLS */
    wsm_frame_reader reader;
    wsm_frame_head frame;
    uint64_t left;
    bool in_frame, in_message, text, dropped, violated;
    uint8_t control[WSM_CONTROL_MAX];
    size_t control_size;
} end;

/* ---- the link ---- */

static bool link_write(wsm_connection *connection, unsigned char *data, size_t size) {
    end *self = connection->link.service;
    memset(data - WSM_HEADROOM, 0xee, WSM_HEADROOM); /* it may be overwritten */
    return wsm_bytes_append(&self->written, data, size);
}
static bool link_busy(const wsm_connection *connection) { return ((end *)connection->link.service)->busy; }
static void link_changed(wsm_connection *connection) { (void)connection; }
static bool link_no_delay(wsm_connection *connection, bool enabled) { return connection && enabled; }
static const wsm_link_ops ops = {
    .write = link_write, .busy = link_busy, .changed = link_changed, .set_no_delay = link_no_delay};

static void start(end *self, uint8_t mode) {
    wsm_settings settings = wsm_settings_default();
    if (mode & TIGHT) {
        settings.inbound_buffer_size = 200;
        settings.outbound_buffer_size = 300;
        settings.max_queued_packets = 3;
    }
    memset(self, 0, sizeof *self);
    self->connection = wsm_connection_new(!(mode & AS_CLIENT), &settings, &self->inbox);
    self->connection->alive = true;
    self->connection->link.ops = &ops;
    self->connection->link.service = self;
    if (!(mode & AS_CLIENT)) return;
    self->connection->random = &self->random;
    wsm_connection_opened(self->connection);
}

static void stop(end *self) {
    wsm_connection_disown(self->connection);
    self->connection->alive = false;
    self->connection->link.ops = NULL;
    wsm_connection_unref(self->connection);
    wsm_packet_queue_clear(&self->inbox);
    wsm_bytes_release(&self->written);
    wsm_bytes_release(&self->taken);
}

/* ---- the program ---- */

static void check_accounts(const end *self) {
    if (self->connection->unread_packets != self->inbox.count) found("unread packets are counted wrongly", NULL);
    if (!self->inbox.count && self->connection->unread_bytes) found("unread bytes of no packet", NULL);
}

static void take(end *self, uint8_t mode) {
    wsm_packet packet;
    while (wsm_packet_queue_take(&self->inbox, &packet)) {
        size_t limit = (size_t)self->connection->settings.inbound_buffer_size;
        if (packet.size > limit) found("a message above the limit", NULL);
        if (packet.text && !wsm_utf8_valid(packet.data, packet.size)) found("a text that is not UTF-8", NULL);
        wsm_bytes_append(&self->taken, &packet.size, sizeof packet.size);
        wsm_bytes_append(&self->taken, packet.text ? "t" : "b", 1);
        wsm_bytes_append(&self->taken, packet.data, packet.size);
        if (mode & ECHOES)
            wsm_connection_send(self->connection, packet.text ? WSM_OP_TEXT : WSM_OP_BINARY, packet.data, packet.size,
                                NULL);
        wsm_connection_taken(self->connection, packet.size);
        wsm_packet_release(&packet);
        check_accounts(self);
    }
}

/* What a link does after each read: it lets the owner act, and the connection go on where it had to wait. */
static void settle(end *self, uint8_t mode, bool program) {
    wsm_connection *connection = self->connection;
    check_accounts(self);
    connection->on_hold = false;
    do {
        if (program) take(self, mode);
        wsm_connection_resume(connection);
    } while (program && self->inbox.count);
    wsm_connection_flush(connection);
}

/* ---- the stream, in two ways ---- */

static void receive(end *self, const uint8_t *data, size_t size) {
    unsigned char *copy = malloc(size ? size : 1); /* of just this size, so that a byte too many is seen */
    memcpy(copy, data, size);
    wsm_connection_receive(self->connection, copy, size);
    free(copy);
}

static void drop(end *self) {
    self->dropped = true;
    self->violated = self->connection->state == WSM_STATE_OPEN;
    wsm_connection_lost(self->connection);
}

static void end_of_control(end *self) {
    self->in_frame = false;
    if (self->frame.opcode == WSM_OP_PONG) wsm_connection_receive_pong(self->connection, self->control, self->control_size);
    if (self->frame.opcode != WSM_OP_CLOSE) return;
    wsm_connection_receive_close(self->connection, self->control, self->control_size);
    self->dropped = true;
}

/* As libwebsockets reads it for a client: frames in parts. */
static void receive_parts(end *self, const uint8_t *data, size_t size) {
    size_t used;
    while (!self->dropped && self->connection->state != WSM_STATE_CLOSED) {
        if (!self->in_frame) {
            wsm_frame_status status = wsm_frame_read_head(&self->reader, false, data, size, &used, &self->frame);
            data += used, size -= used;
            if (status == WSM_FRAME_MORE) return;
            bool control = self->frame.opcode >= WSM_OP_CLOSE;
            if (status == WSM_FRAME_INVALID || (!control && (self->frame.opcode == 0) != self->in_message)) {
                drop(self);
                return;
            }
            if (!control && !self->in_message) self->text = self->frame.opcode == WSM_OP_TEXT;
            if (!control) self->in_message = !self->frame.fin;
            self->left = self->frame.length;
            self->in_frame = true;
            self->control_size = 0;
        }
        size_t part = size < self->left ? size : (size_t)self->left;
        if (!part && self->left) return;
        self->left -= part;
        if (self->frame.opcode >= WSM_OP_CLOSE) {
            memcpy(self->control + self->control_size, data, part);
            self->control_size += part;
            if (!self->left) end_of_control(self);
        } else {
            unsigned char *copy = malloc(part ? part : 1);
            memcpy(copy, data, part);
            wsm_connection_receive_part(self->connection, self->text, self->frame.fin && !self->left, copy, part,
                                        (size_t)self->left);
            free(copy);
            self->in_frame = self->left > 0;
        }
        data += part, size -= part;
    }
}

/* ---- what is compared ---- */

static void check_written(const end *self) {
    const unsigned char *data = self->written.data;
    size_t size = self->written.size, used;
    bool closed = false, server = self->connection->server;
    if (server && size) {
        size_t head = wsm_upgrade_head_size(data, size, 0);
        if (!head) found("an answer without an end", NULL);
        if (memcmp(data, "HTTP/1.1 101 ", 13) != 0) return; /* with a body */
        data += head, size -= head;
    }
    while (size) {
        wsm_frame_reader reader = {0};
        wsm_frame_head frame;
        if (closed) found("something was sent behind the close frame", NULL);
        if (wsm_frame_read_head(&reader, !server, data, size, &used, &frame) != WSM_FRAME_READY || !frame.fin)
            found("a bad frame was sent", NULL);
        data += used, size -= used;
        if (frame.length > size) found("half a frame was sent", NULL);
        data += frame.length, size -= (size_t)frame.length;
        closed = frame.opcode == WSM_OP_CLOSE;
    }
}

static bool equal(const wsm_bytes *a, const wsm_bytes *b) {
    return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* Over TLS a violation is nothing but the end of the connection. */
static void compare(const end *a, const end *b) {
    const wsm_connection *x = a->connection, *y = b->connection;
    if (!equal(&a->taken, &b->taken)) found("other packets in other pieces", NULL);
    if (x->state != y->state) found("another state in other pieces", NULL);
    if (b->violated) {
        if (x->close_code != WSM_CLOSE_PROTOCOL_ERROR || y->close_code != -1) found("another end over TLS", NULL);
        return;
    }
    if (x->close_code != y->close_code) found("another close code in other pieces", NULL);
    if (strcmp(x->close_reason ? x->close_reason : "", y->close_reason ? y->close_reason : "") != 0)
        found("another close reason in other pieces", NULL);
}

typedef void receiver(end *self, const uint8_t *data, size_t size);

static size_t draw(uint32_t *dice, size_t limit) {
    *dice = *dice * 1664525u + 1013904223u;
    size_t most = (*dice >> 8) % 4 == 0 ? 300 : 12, size = 1 + (*dice >> 16) % most;
    return size < limit ? size : limit;
}

/* The program has enough, at some point of the stream. */
static void end_it(end *self, uint32_t dice) {
    static const int codes[] = {4000, 0, 1000, -1};
    wsm_connection_send(self->connection, WSM_OP_TEXT, "last words", 10, NULL);
    wsm_connection_close(self->connection, codes[dice / 8 % 4], "closed", 6);
}

/* The whole stream in pieces that `dice` draws, all at once if it is 0. */
static void run(end *self, uint8_t mode, receiver *how, uint32_t dice, const uint8_t *data, size_t size) {
    start(self, mode);
    if (!(mode & (AS_CLIENT | WITHOUT_REQUEST))) {
        receive(self, (const uint8_t *)request, sizeof request - 1);
        settle(self, mode, true);
    }
    for (unsigned turn = 0; size; turn++) {
        if (mode & CLOSES && dice && turn == dice % 8) end_it(self, dice);
        size_t part = dice ? draw(&dice, size) : size;
        self->busy = mode & BUSY_LINK && turn % 3 != 2;
        how(self, data, part);
        settle(self, mode, !(mode & SLOW_PROGRAM) || turn % 4 == 3);
        data += part, size -= part;
    }
    self->busy = false;
    settle(self, mode, true);
    /* One that is done with the other side still waits for its end. */
    if ((mode & CLOSES && dice) || self->connection->deaf) {
        wsm_connection_lost(self->connection);
        settle(self, mode, true);
        if (self->connection->state != WSM_STATE_CLOSED) found("lost, but not closed", NULL);
    }
    check_written(self);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) return 0;
    uint8_t mode = data[0];
    uint32_t dice = data[1] + 1u;
    end whole, pieces, parts;
    data += 2, size -= 2;
    run(&whole, mode, receive, 0, data, size);
    run(&pieces, mode, receive, dice, data, size);
    if (!(mode & CLOSES)) compare(&whole, &pieces);
    if (mode & AS_CLIENT) {
        run(&parts, mode, receive_parts, dice, data, size);
        /* A client is told of a frame with its first part, so half a frame can say more to the other way. */
        if (!(mode & CLOSES) && !parts.reader.have && !parts.in_frame) compare(&whole, &parts);
        stop(&parts);
    }
    stop(&whole);
    stop(&pieces);
    return 0;
}

/* WebSocket URLs by the rules of Godot's String::parse_url and WebSocketPeer.connect_to_url. */
#ifndef WSM_URL_H
#define WSM_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

typedef struct wsm_url {
    bool tls;      /* wss:// */
    bool literal6; /* the host is an IPv6 address, kept without its brackets; with its zone: "fe80::1%eth0" */
    uint16_t port; /* 1..65535; 80 or 443 where the URL names none */
    char *host;    /* lower case (but for a zone), never empty */
    char *path;    /* request target with its query, starts with '/', safe in a request line */
} wsm_url;

/* Parses "[ws://|wss://][user:pass@]host[:port][/path][?query][#fragment]"; user, password and fragment are
 * dropped. ERR_INVALID_PARAMETER with a reason for anything else; `url` is only filled on OK. */
wsm_error wsm_url_parse(wsm_url *url, const char *text, wsm_reason *reason);
void wsm_url_release(wsm_url *url);
/* How much of the host others are told: a zone has a meaning on this machine only. */
size_t wsm_url_public_size(const wsm_url *url);
/* Whether the port is the scheme's own, which a Host header leaves out. */
bool wsm_url_default_port(const wsm_url *url);

#endif

/* MD5 (RFC 1321): no protection against anybody, but what Godot compares lists of remote methods by. Our own, because
 * libwebsockets offers it only where it was built with TLS and its generic crypto. */
#ifndef WSM_MD5_H
#define WSM_MD5_H

#include <stddef.h>

enum { WSM_MD5_TEXT_SIZE = 33 };

/* The digest as 32 lower-case hexadecimal digits and a NUL. */
void wsm_md5_text(const void *data, size_t size, char text[WSM_MD5_TEXT_SIZE]);

#endif

/* The system's authorities, for an OpenSSL that was linked in and does not know this system. */
#ifndef WSM_AUTHORITIES_H
#define WSM_AUTHORITIES_H

/* A file of PEM certificates to be trusted besides what OpenSSL finds by itself; NULL: none is needed, or there is none.
 */
const char *wsm_authorities_file(void);

#endif

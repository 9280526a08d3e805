/* The system's authorities, where OpenSSL does not find them by itself. */
#ifndef WSM_AUTHORITIES_H
#define WSM_AUTHORITIES_H

/* A file of PEM certificates to be trusted besides what OpenSSL finds: for one that was linked in, and was made for
 * another system than this. NULL: none is needed, or there is none. */
const char *wsm_authorities_file(void);

/* The authorities as PEM texts, to be trusted instead of any files: Windows has no files of them, and the names of
 * files that OpenSSL looks for there can be anybody's. To be freed by wsm_free; NULL where files are right. */
char *wsm_authorities_text(void);

#endif

/* libFuzzer target: what may come to a client first. The end of the head must not depend on the pieces it comes in, and
 * what is taken for an answer must be one, looked at in another way. The first byte of the input chooses the pieces and
 * whether the client asks for sub-protocols; the answer is to the key of RFC 6455. */
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "../../src/core/upgrade.h"
#include "fuzz.h"

static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==", accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static wsm_string_list *protocols;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc, (void)argv;
    protocols = wsm_string_list_new(2);
    wsm_string_list_set(protocols, 0, "chat", 4);
    wsm_string_list_set(protocols, 1, "v2.game", 7);
    return 0;
}

/* The lines with this name, of a head that ends with NUL; the value of the last one. */
static int lines(const char *head, const char *name, const char **value, size_t *size) {
    int count = 0;
    size_t length = strlen(name);
    for (const char *at = head; (at = strstr(at, "\r\n"));) {
        at += 2;
        if (strncasecmp(at, name, length) != 0 || at[length] != ':') continue;
        const char *start = at + length + 1, *end = strstr(start, "\r\n");
        while (start < end && strchr(" \t", *start)) start++;
        while (end > start && strchr(" \t", end[-1])) end--;
        *value = start;
        *size = (size_t)(end - start);
        count++;
    }
    return count;
}

static void check_good(const char *head, size_t size, const wsm_span *protocol, bool negotiates) {
    const char *value = NULL;
    size_t length = 0;
    if (size < 17 || strncmp(head, "HTTP/1.1 101", 12) != 0 || !strchr(" \r", head[12])) found("another status", NULL);
    if (strlen(head) != size) found("a NUL", NULL);
    for (size_t i = 0; i < size; i++) {
        if ((head[i] == '\r') != (head[i + 1] == '\n')) found("half a line end", NULL);
        if (head[i] == '\n' && head[i + 1] && strchr(" \t:", head[i + 1])) found("a line without a name", NULL);
    }
    if (lines(head, "Sec-WebSocket-Accept", &value, &length) != 1 || length != sizeof accept - 1 ||
        memcmp(value, accept, length) != 0)
        found("a wrong Sec-WebSocket-Accept", NULL);
    if (!lines(head, "Upgrade", &value, &length)) found("no Upgrade", NULL);
    if (!lines(head, "Connection", &value, &length)) found("no Connection", NULL);
    if (lines(head, "Sec-WebSocket-Extensions", &value, &length) && length) found("an extension", NULL);
    if (lines(head, "Sec-WebSocket-Protocol", &value, &length) != negotiates || negotiates != (protocol->size > 0))
        found("a sub-protocol more or less", NULL);
    if (negotiates &&
        (protocol->text != value || protocol->size != length || !wsm_string_list_contains(protocols, value, length)))
        found("another sub-protocol", NULL);
}

static void judge(const uint8_t *data, size_t size, bool negotiates) {
    wsm_span protocol;
    int status = -1;
    char *head = malloc(size), *text = malloc(size + 1);
    memcpy(head, data, size);
    memcpy(text, data, size);
    text[size] = '\0';
    const char *problem = wsm_upgrade_judge_answer(head, size, key, negotiates ? protocols : NULL, &protocol, &status);
    if (status < 0 || status > 999) found("a status that is none", NULL);
    if (problem ? !*problem : status != 101) found("neither good nor bad", NULL);
    if (!problem) {
        if (protocol.size) protocol.text = text + (protocol.text - head);
        check_good(text, size, &protocol, negotiates);
    }
    free(head);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    uint8_t mode = data[0];
    data++, size--;
    size_t whole = head_in_pieces(data, size, mode / 2u);
    if (whole) judge(data, whole, mode & 1);
    return 0;
}

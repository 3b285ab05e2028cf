#include <string.h>
#include <strings.h>

#include "server/http_internal.h"

/* What RFC 9112 forbids in a request and libmicrohttpd lets pass, at least as it is set up here: its own
 * refusals are pages or silence, these are problems that say what is wrong. */

struct head {
    unsigned hosts, lengths, codings;
    bool is_chunked, is_misnamed;
};

static void count_header(void *ctx, struct slice name, struct slice value)
{
    struct head *head = ctx;
    head->is_misnamed |= strpbrk(name.ptr, " \t") != NULL;
    if (strcasecmp(name.ptr, MHD_HTTP_HEADER_HOST) == 0) {
        head->hosts++;
    } else if (strcasecmp(name.ptr, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0) {
        head->lengths++;
    } else if (strcasecmp(name.ptr, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0) {
        head->codings++;
        head->is_chunked = strcasecmp(value.ptr, "chunked") == 0;
    }
}

/* 6.1 and 6.3: a body whose end is said twice, or in a way that is not known here, may end elsewhere for a
 * proxy in front, and its rest would pass for somebody else's request. */
static bool is_framed(const struct head *head, bool is_old)
{
    if (is_old && head->codings)
        return false; /* 6.1: HTTP/1.0 has none */
    return head->lengths + head->codings <= 1 && head->codings == head->is_chunked;
}

const char *http_head_fault(const struct http_exchange *exchange, const char *version)
{
    struct head head = {0};
    bool is_old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
    http_each_header(exchange, count_header, &head);
    if (exchange->has_spaced_target)
        return "the target holds a space, which is written %20"; /* 3.2 */
    if (head.is_misnamed) /* 5.1: "Content-Length :" is a length for some and nothing for others */
        return "a header's name holds a blank";
    if (head.hosts > 1 || (head.hosts == 0 && !is_old))
        return "an HTTP/1.1 request names its Host, once"; /* 3.2 */
    if (!is_framed(&head, is_old))
        return "where the body ends must be said once, as Content-Length or chunked";
    return NULL;
}

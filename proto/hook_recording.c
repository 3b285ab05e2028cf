#include "proto/hook_recording.h"

#include "rules/ascii.h"

static struct slice next_line(struct slice *rest)
{
    size_t end = ascii_find(*rest, '\n');
    struct slice line = ascii_part(*rest, 0, end);
    *rest = ascii_part(*rest, end < rest->len ? end + 1 : end, rest->len);
    if (line.len && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

static const char *read_target(struct hook_request *request, struct slice line, struct slice *target)
{
    size_t first = ascii_find(line, ' ');
    struct slice method = ascii_part(line, 0, first);
    if (first == line.len)
        return "the first line must be METHOD TARGET HTTP/1.1";
    struct slice rest = ascii_trim(ascii_part(line, first, line.len));
    *target = ascii_part(rest, 0, ascii_find(rest, ' '));
    if (!slice_is(method, "GET") && !slice_is(method, "POST"))
        return "the method must be GET or POST";
    request->method = slice_is(method, "GET") ? HOOK_GET : HOOK_POST;
    size_t mark = ascii_find(*target, '?');
    request->query = ascii_part(*target, mark < target->len ? mark + 1 : mark, target->len);
    return NULL;
}

const char *hook_recording_read(struct hook_request *request, struct slice bytes, struct arena *arena)
{
    struct hook_header *headers = arena_array(arena, struct hook_header, HOOK_HEADERS_MAX);
    struct slice rest = bytes, target;
    const char *why = read_target(request, next_line(&rest), &target);
    if (why)
        return why;
    request->headers = headers;
    request->header_count = 0;
    for (struct slice line = next_line(&rest); line.len; line = next_line(&rest)) {
        size_t colon = ascii_find(line, ':');
        if (colon == line.len)
            return "a line of the header has no colon";
        if (request->header_count == HOOK_HEADERS_MAX)
            return "there are too many headers";
        headers[request->header_count++] = (struct hook_header){
            ascii_part(line, 0, colon), ascii_trim(ascii_part(line, colon + 1, line.len))};
    }
    struct slice host = hook_header(request, "host");
    request->url =
        host.len && target.len && target.ptr[0] == '/'
            ? arena_format(arena, "https://%.*s%.*s", (int)host.len, host.ptr, (int)target.len, target.ptr)
            : target;
    request->content_type = hook_header(request, "content-type");
    request->body = rest;
    return NULL;
}

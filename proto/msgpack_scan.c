/* Reads nothing but headers. msgpack-c reserves what a header announces, so this walk comes first: 90 hostile
 * bytes can announce gigabytes. Nothing is looked at twice; a walk costs a step per value, however the bytes
 * trickle in. */
#include "proto/msgpack.h"

#include <string.h>

struct header {
    size_t size;    /* bytes of the header itself; 0: not all there yet */
    uint64_t body;  /* bytes behind it that belong to this value */
    uint64_t items; /* values behind it that belong to this value */
    bool nests;
};

/* What the bytes 0xc0 to 0xdf announce: a length of `length` bytes, then `fixed` bytes. */
static const struct form {
    uint8_t length, fixed;
    enum { FORM_SCALAR, FORM_BODY, FORM_ARRAY, FORM_MAP, FORM_UNUSED } kind;
} forms[32] = {
    {0, 0, FORM_SCALAR}, {0, 0, FORM_UNUSED},  {0, 0, FORM_SCALAR},
    {0, 0, FORM_SCALAR},                                          /* nil, never used, bools */
    {1, 0, FORM_BODY},   {2, 0, FORM_BODY},    {4, 0, FORM_BODY}, /* bin 8, 16, 32 */
    {1, 1, FORM_BODY},   {2, 1, FORM_BODY},    {4, 1, FORM_BODY}, /* ext 8, 16, 32: and a type */
    {0, 4, FORM_SCALAR}, {0, 8, FORM_SCALAR},                     /* float 32, 64 */
    {0, 1, FORM_SCALAR}, {0, 2, FORM_SCALAR},  {0, 4, FORM_SCALAR},
    {0, 8, FORM_SCALAR}, /* uint 8 to 64 */
    {0, 1, FORM_SCALAR}, {0, 2, FORM_SCALAR},  {0, 4, FORM_SCALAR},
    {0, 8, FORM_SCALAR}, /* int 8 to 64 */
    {0, 2, FORM_SCALAR}, {0, 3, FORM_SCALAR},  {0, 5, FORM_SCALAR},
    {0, 9, FORM_SCALAR}, {0, 17, FORM_SCALAR},                    /* fixext 1 to 16 */
    {1, 0, FORM_BODY},   {2, 0, FORM_BODY},    {4, 0, FORM_BODY}, /* str 8, 16, 32 */
    {2, 0, FORM_ARRAY},  {4, 0, FORM_ARRAY},   {2, 0, FORM_MAP},
    {4, 0, FORM_MAP},
};

void msgpack_scan_init(struct msgpack_scan *scan)
{
    *scan = (struct msgpack_scan){.nodes = 1};
}

static enum msgpack_status bad(struct msgpack_scan *scan, const char *why)
{
    scan->why = why;
    return MSGPACK_BAD;
}

/* False when the first byte is none that MessagePack has. */
static bool read_header(struct header *header, const unsigned char *at, size_t have)
{
    unsigned char lead = at[0];
    *header = (struct header){.size = 1};
    if (lead < 0x80 || lead >= 0xe0)
        return true;
    if (lead < 0xa0) {
        header->nests = true;
        header->items = (uint64_t)(lead & 15) * (lead < 0x90 ? 2 : 1);
        return true;
    }
    if (lead < 0xc0) {
        header->body = lead & 31;
        return true;
    }
    const struct form *form = &forms[lead - 0xc0];
    if (form->kind == FORM_UNUSED)
        return false;
    if (have < 1u + form->length) {
        header->size = 0;
        return true;
    }
    uint64_t announced = 0;
    for (unsigned i = 1; i <= form->length; i++)
        announced = announced << 8 | at[i];
    header->size = 1u + form->length;
    header->nests = form->kind == FORM_ARRAY || form->kind == FORM_MAP;
    if (header->nests)
        header->items = form->kind == FORM_MAP ? announced * 2 : announced;
    else
        header->body = announced + form->fixed;
    return true;
}

/* A value is complete: so is every container whose last one it was. */
static void step_up(struct msgpack_scan *scan)
{
    while (scan->depth && --scan->left[scan->depth - 1] == 0)
        scan->depth--;
}

enum msgpack_status msgpack_scan_step(struct msgpack_scan *scan, struct slice bytes, size_t *used)
{
    const unsigned char *start = (const unsigned char *)bytes.ptr;
    if (scan->why)
        return MSGPACK_BAD;
    for (;;) {
        if (scan->offset >= bytes.len)
            return MSGPACK_NEED_MORE;
        struct header header;
        if (!read_header(&header, start + scan->offset, bytes.len - scan->offset))
            return bad(scan, "the byte 0xc1 starts no value");
        if (!header.size)
            return MSGPACK_NEED_MORE;
        if (header.nests && scan->depth == MSGPACK_DEPTH_MAX)
            return bad(scan, "nested more than 32 levels deep");
        if (header.items > MSGPACK_NODES_MAX - scan->nodes)
            return bad(scan, "more than 200,000 values");
        if (header.body > MSGPACK_FRAME_MAX || scan->offset + header.size + header.body > MSGPACK_FRAME_MAX)
            return bad(scan, "more than 4 MiB");
        if (scan->offset + header.size + header.body > bytes.len)
            return MSGPACK_NEED_MORE;
        scan->offset += header.size + (size_t)header.body;
        scan->nodes += (uint32_t)header.items;
        if (header.items)
            scan->left[scan->depth++] = (uint32_t)header.items;
        else
            step_up(scan);
        if (!scan->depth) {
            *used = scan->offset;
            return MSGPACK_READY;
        }
    }
}

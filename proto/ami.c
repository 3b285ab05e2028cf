#include "proto/ami.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ascii.h"

#define MD5_BYTES 16

/* Without its end; NULL: there is no whole line. */
static const char *take_line(struct slice *line, struct slice bytes)
{
    const char *end = bytes.len ? memchr(bytes.ptr, '\n', bytes.len) : NULL;
    if (!end)
        return NULL;
    *line = (struct slice){bytes.ptr, (size_t)(end - bytes.ptr)};
    if (line->len && line->ptr[line->len - 1] == '\r')
        line->len--;
    return end + 1;
}

static struct slice trim(struct slice text)
{
    while (text.len && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = (struct slice){text.ptr + 1, text.len - 1};
    while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static enum ami_status bad(const char **why, const char *text)
{
    *why = text;
    return AMI_BAD;
}

static enum ami_status read_banner(struct ami_block *out, struct slice line, const char **why)
{
    static const char begin[] = "Asterisk Call Manager/";
    size_t len = sizeof begin - 1;
    if (line.len <= len || memcmp(line.ptr, begin, len) != 0)
        return bad(why, "it does not greet like Asterisk's manager interface");
    out->version = (struct slice){line.ptr + len, line.len - len};
    return AMI_BANNER;
}

enum ami_status ami_read(struct ami_block *out, struct slice bytes, bool expects_banner, size_t *used,
                         const char **why)
{
    const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;
    struct slice line;
    *used = 0;
    out->count = 0;
    for (;;) {
        const char *next = take_line(&line, (struct slice){at, (size_t)(end - at)});
        size_t len = next ? (size_t)(next - at) : (size_t)(end - at);
        if (len > AMI_LINE_MAX)
            return bad(why, "a line is too long");
        if ((size_t)(at - bytes.ptr) - *used + len > AMI_BLOCK_MAX)
            return bad(why, "a block is too long");
        if (!next)
            return AMI_NEED_MORE;
        at = next;
        if (!line.len && !out->count) {
            *used = (size_t)(at - bytes.ptr); /* an empty line too many */
            continue;
        }
        if (expects_banner) {
            *used = (size_t)(at - bytes.ptr);
            return read_banner(out, line, why);
        }
        if (!line.len) {
            *used = (size_t)(at - bytes.ptr);
            return AMI_BLOCK;
        }
        const char *colon = memchr(line.ptr, ':', line.len);
        if (out->count == AMI_HEADERS_MAX)
            return bad(why, "a block has too many headers");
        /* A line of another kind still belongs to its block. */
        size_t name = colon ? (size_t)(colon - line.ptr) : line.len;
        struct ami_header *header = &out->headers[out->count++];
        header->name = trim((struct slice){line.ptr, colon ? name : 0});
        header->value =
            trim((struct slice){line.ptr + name + (colon ? 1 : 0), line.len - name - (colon ? 1 : 0)});
    }
}

struct slice ami_find(const struct ami_block *block, const char *name)
{
    for (uint32_t i = 0; i < block->count; i++) {
        if (ascii_equal(block->headers[i].name, name))
            return block->headers[i].value;
    }
    return (struct slice){NULL, 0};
}

bool ami_is(const struct ami_block *block, const char *name, const char *value)
{
    return ascii_equal(ami_find(block, name), value);
}

/* "CALLERID(pres)=prohib", or with the channel before it: "PJSIP/trunk-1: CALLERID(pres)=prohib". */
struct slice ami_channel_variable(const struct ami_block *block, const char *name, bool *found)
{
    size_t len = strlen(name);
    for (uint32_t i = 0; i < block->count; i++) {
        struct slice value = block->headers[i].value;
        if (!ascii_equal(block->headers[i].name, "chanvariable") || value.len <= len ||
            value.ptr[len] != '=' || memcmp(value.ptr, name, len) != 0)
            continue;
        *found = true;
        return (struct slice){value.ptr + len + 1, value.len - len - 1};
    }
    *found = false;
    return (struct slice){NULL, 0};
}

unsigned ami_major(struct slice version)
{
    unsigned major = 0;
    for (size_t i = 0; i < version.len && version.ptr[i] >= '0' && version.ptr[i] <= '9' && major < 1000; i++)
        major = major * 10 + (unsigned)(version.ptr[i] - '0');
    return major;
}

static bool is_one_line(struct slice text)
{
    return !text.len || (!memchr(text.ptr, '\n', text.len) && !memchr(text.ptr, '\r', text.len) &&
                         !memchr(text.ptr, 0, text.len));
}

void ami_action_add(struct ami_action *action, const char *name, struct slice value)
{
    size_t room = AMI_ACTION_MAX - action->len;
    if (!is_one_line(value) || strlen(name) + value.len + 8 > room)
        action->is_bad = true;
    else
        action->len += (size_t)snprintf(action->bytes + action->len, room, "%s: %.*s\r\n", name,
                                        (int)value.len, value.len ? value.ptr : "");
}

void ami_action_begin(struct ami_action *action, const char *name, struct slice id)
{
    action->len = 0;
    action->is_bad = false;
    ami_action_add(action, "Action", slice_of(name));
    ami_action_add(action, "ActionID", id);
}

struct slice ami_action_end(struct ami_action *action)
{
    if (action->is_bad)
        return (struct slice){NULL, 0};
    memcpy(action->bytes + action->len, "\r\n", 2); /* ami_action_add() leaves room */
    action->len += 2;
    return (struct slice){action->bytes, action->len};
}

void ami_login_key(char out[33], struct slice challenge, struct slice secret)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || EVP_DigestInit_ex(hash, EVP_md5(), NULL) != 1)
        abort();
    EVP_DigestUpdate(hash, challenge.ptr, challenge.len);
    EVP_DigestUpdate(hash, secret.ptr, secret.len);
    EVP_DigestFinal_ex(hash, bytes, NULL);
    EVP_MD_CTX_free(hash);
    for (size_t i = 0; i < MD5_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

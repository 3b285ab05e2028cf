#include "server/operation_mail.h"

#include <string.h>

#include "proto/json.h"
#include "proto/mail_text.h"
#include "proto/mail_token.h"
#include "rules/ascii.h"
#include "rules/machine_mail.h"
#include "server/http.h"
#include "server/operation_sql.h"

#define LOCAL_PART_MAX 64 /* RFC 5321 4.5.3.1.1 */
#define NONCE_LEN 26      /* characters of base32 that make a Message-ID unique */
#define MAIL_MEDIA_TYPE "message/rfc822"

/* --- How it is answered --- */

static struct slice text_of(const struct value *document, const char *name)
{
    const struct value *value = value_member(document, name);
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

/* What somebody wrote, for a header of ours: a line's end in it would begin another one. */
static struct slice line_of(const struct value *document, const char *name, struct arena *arena)
{
    return mail_line(text_of(document, name), arena);
}

/* The address of the endpoint with the token as its plus tag; without, where that would be too long. */
static struct slice address_with(struct slice address, const char *token, struct arena *arena)
{
    size_t at = address.len;
    while (at > 0 && address.ptr[at - 1] != '@')
        at--;
    if (at < 2 || at + MAIL_TOKEN_LEN > LOCAL_PART_MAX || address.ptr[0] == '"')
        return address;
    return arena_format(arena, "%.*s+%s@%.*s", (int)(at - 1), address.ptr, token, (int)(address.len - at),
                        address.ptr + at);
}

static struct slice message_id(struct slice address, const char *token, struct arena *arena)
{
    static const uint8_t no_key[MAIL_KEY_SIZE];
    struct uuid chance = operation_make_id();
    char nonce[MAIL_TOKEN_LEN + 1];
    size_t at = ascii_find(address, '@');
    mail_token_write(nonce, no_key, 0, &chance);
    struct slice domain = at < address.len ? ascii_part(address, at + 1, address.len) : SLICE("localhost");
    return arena_format(arena, "<%s.%.*s@%.*s>", token, NONCE_LEN, nonce, (int)domain.len, domain.ptr);
}

/* Tokens of threads that have ended would be found before this one. */
static struct slice without_tokens(struct slice title, struct arena *arena)
{
    char *text = arena_alloc(arena, title.len + 1);
    size_t len = 0, from = 0;
    for (size_t at = 0; at < title.len;) {
        struct slice token = mail_token_find(title, &at, '#', ']');
        size_t until = token.len ? (size_t)(token.ptr - title.ptr) - 1 : title.len;
        if (token.len && until > from && title.ptr[until - 1] == '[')
            until--;
        memcpy(text + len, title.ptr + from, until - from);
        len += until - from;
        from = token.len ? at + 1 : title.len;
    }
    return (struct slice){text, len};
}

static struct slice title_with(struct slice title, const char *token, struct arena *arena)
{
    title = ascii_trim(without_tokens(title, arena));
    bool is_reply = ascii_begins(title, "re:") || ascii_begins(title, "aw:");
    return arena_format(arena, "%s%.*s [#%s]", is_reply ? "" : "Re: ", (int)title.len, title.ptr, token);
}

static struct value reply_of(const struct value *mail, const char *token, struct arena *arena)
{
    struct slice from = text_of(mail, "recipient"), subject = line_of(mail, "message_id", arena);
    struct value reply = value_map(arena, 8), references = value_list(arena, 1),
                 headers = value_map(arena, 1);
    if (subject.len)
        value_append(&references, value_string(subject));
    value_set_text(&headers, MACHINE_MAIL_OWN_HEADER, text_of(mail, "project"));
    value_set(&reply, "from", value_string(from));
    value_set(&reply, "to", value_string(line_of(mail, "sender", arena)));
    value_set(&reply, "reply_to", value_string(address_with(from, token, arena)));
    value_set(&reply, "message_id", value_string(message_id(from, token, arena)));
    value_set(&reply, "in_reply_to", references);
    value_set(&reply, "references", references);
    value_set(&reply, "subject", value_string(title_with(line_of(mail, "title", arena), token, arena)));
    value_set(&reply, "headers", headers);
    return reply;
}

static void on_mail(struct operation_call *call, unsigned status, struct slice json)
{
    struct value mail;
    struct fault fault;
    struct mail_keys keys = {.count = 0};
    struct uuid conversation;
    char token[MAIL_TOKEN_LEN + 1];
    if (!json_read(&mail, json, call->arena, &fault) ||
        !uuid_parse(&conversation, text_of(&mail, "conversation")) ||
        !mail_keys_add(&keys, text_of(&mail, "key"))) {
        struct problem problem;
        problem_set(&problem, PROBLEM_INTERNAL, NULL, "the project has no key that mail is signed with");
        operation_fail(call, &problem);
        return;
    }
    mail_token_write(token, keys.keys[0], call->principal->project, &conversation);
    struct value reply = reply_of(&mail, token, call->arena);
    operation_reply(call, status, &reply);
}

void operation_mail_reply(struct operation_call *call)
{
    operation_sql_run(call, call->operation->sql, call->params, on_mail);
}

/* --- As it came --- */

static int hex_digit(char c)
{
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

/* Always to be saved, never to be shown: it is whatever a stranger has sent. */
static void on_raw(struct operation_call *call, unsigned status, struct slice hex)
{
    static const struct http_header headers[] = {
        {"Content-Disposition", "attachment; filename=\"mail.eml\""},
        {"X-Content-Type-Options", "nosniff"},
        {"Content-Security-Policy", "default-src 'none'; sandbox"},
        {"Cache-Control", "private, no-store"},
    };
    char *bytes = arena_alloc(call->arena, hex.len / 2 + 1);
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (char)(hex_digit(hex.ptr[2 * i]) << 4 | hex_digit(hex.ptr[2 * i + 1]));
    http_reply(call->transport, status, MAIL_MEDIA_TYPE, (struct slice){bytes, hex.len / 2}, headers,
               sizeof headers / sizeof *headers);
}

void operation_mail_raw(struct operation_call *call)
{
    operation_sql_run(call, call->operation->sql, call->params, on_raw);
}

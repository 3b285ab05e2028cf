#include "proto/mail_event.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/event_data.h"
#include "proto/json.h"
#include "proto/mail_text.h"
#include "rules/ascii.h"
#include "rules/machine_mail.h"

#define HASH_BYTES 32
#define HASH_TEXT (2 * HASH_BYTES)

/* Besides the signs of machine mail: what rules and desktops ask for. */
static const char *const kept_names[] = {
    "date",       "to",       "cc",         "reply-to",         "sender",        "user-agent",  "x-mailer",
    "importance", "priority", "x-priority", "content-language", "x-original-to", "thread-topic"};
/* What the way of a mail adds to it: differs from one delivery to the next. */
static const char *const trace_names[] = {"received",      "return-path", "delivered-to",
                                          "x-original-to", "x-received",  "authentication-results",
                                          "envelope-to"};

static bool is_of(struct slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ascii_equal(name, names[i]))
            return true;
    }
    return false;
}
#define IS_OF(name, names) is_of((name), (names), sizeof(names) / sizeof *(names))

/* --- its name --- */

static struct slice hash_text(EVP_MD_CTX *hash, struct arena *arena)
{
    unsigned char bytes[HASH_BYTES];
    char *text = arena_alloc(arena, HASH_TEXT + 1);
    EVP_DigestFinal_ex(hash, bytes, NULL);
    EVP_MD_CTX_free(hash);
    for (size_t i = 0; i < HASH_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return (struct slice){text, HASH_TEXT};
}

static EVP_MD_CTX *hash_new(void)
{
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
        abort();
    return hash;
}

static void hash_add(EVP_MD_CTX *hash, struct slice text)
{
    EVP_DigestUpdate(hash, text.ptr, text.len);
    EVP_DigestUpdate(hash, "\n", 1);
}

static struct slice content_id(const struct mail *mail, struct arena *arena)
{
    EVP_MD_CTX *hash = hash_new();
    for (uint32_t i = 0; i < mail->field_count; i++) {
        const struct mail_field *field = &mail->fields[i];
        if (IS_OF(field->name, trace_names))
            continue;
        hash_add(hash, field->name);
        hash_add(hash, field->text);
    }
    hash_add(hash, mail->body);
    return hash_text(hash, arena);
}

static struct slice event_id(struct slice subject, struct slice recipient, struct arena *arena)
{
    struct slice id = arena_format(arena, recipient.len ? "%.*s %.*s" : "%.*s%.*s", (int)subject.len,
                                   subject.ptr, (int)recipient.len, recipient.ptr);
    if (id.len <= MAIL_EVENT_ID_MAX)
        return id;
    EVP_MD_CTX *hash = hash_new();
    hash_add(hash, id);
    return hash_text(hash, arena);
}

/* --- data --- */

struct header_writer {
    struct value map;
    size_t values, bytes;
};

static bool is_same(struct slice a, struct slice b)
{
    size_t i = 0;
    while (i < a.len && i < b.len && ascii_lower(a.ptr[i]) == ascii_lower(b.ptr[i]))
        i++;
    return i == a.len && i == b.len;
}

static void add_header(struct header_writer *writer, struct slice name, struct slice text,
                       struct arena *arena)
{
    struct slice cut = mail_text_begin(text, MAIL_EVENT_HEADER_MAX);
    if (writer->values == MAIL_EVENT_HEADER_VALUES_MAX || writer->bytes + cut.len > MAIL_EVENT_HEADERS_MAX)
        return;
    writer->values++;
    writer->bytes += cut.len;
    for (uint32_t i = 0; i < writer->map.count; i++) {
        struct value_member *member = &writer->map.members[i];
        if (!is_same(name, member->name))
            continue;
        if (member->value.kind == VALUE_STRING) {
            struct value list = value_list(arena, MAIL_EVENT_HEADER_VALUES_MAX);
            value_append(&list, member->value);
            member->value = list;
        }
        value_append(&member->value, value_string(cut));
        return;
    }
    writer->map.members[writer->map.count++] = (struct value_member){name, value_string(cut)};
}

/* One name for all spellings, the first. The envelope knows the return path better than the header. */
static struct value headers_of(const struct mail *mail, const struct mail_envelope *envelope,
                               struct arena *arena)
{
    struct header_writer writer = {.map = value_map(arena, MAIL_EVENT_HEADER_VALUES_MAX)};
    if (envelope->is_known)
        add_header(&writer, SLICE("Return-Path"),
                   arena_format(arena, "<%.*s>", (int)envelope->sender.len, envelope->sender.ptr), arena);
    if (envelope->original.len && !slice_equal(envelope->original, envelope->recipient))
        add_header(&writer, SLICE("X-Original-To"), envelope->original, arena);
    for (uint32_t i = 0; i < mail->field_count; i++) {
        const struct mail_field *field = &mail->fields[i];
        if (!machine_mail_is_sign(field->name) && !IS_OF(field->name, kept_names))
            continue;
        if (!envelope->is_known || !ascii_equal(field->name, "return-path"))
            add_header(&writer, field->name, field->text, arena);
    }
    return writer.map;
}

static struct value from_of(const struct mail *mail, const struct mail_envelope *envelope,
                            struct arena *arena)
{
    struct value from = value_map(arena, 2);
    struct slice email = mail->from.email.len ? mail->from.email : envelope->sender;
    value_set(&from, "email", value_string(email.len ? email : SLICE("<>")));
    value_set_text(&from, "name", mail->from.name);
    return from;
}

static struct value ids_of(const struct slice *ids, uint32_t count, struct arena *arena)
{
    struct value list = value_list(arena, count);
    for (uint32_t i = 0; i < count; i++)
        value_append(&list, value_string(ids[i]));
    return list;
}

static struct value attachments_of(const struct mail *mail, struct arena *arena)
{
    struct value list = value_list(arena, mail->attachment_count);
    size_t size = 0;
    for (uint32_t i = 0; i < mail->attachment_count; i++) {
        const struct mail_attachment *attachment = &mail->attachments[i];
        struct value item = value_map(arena, 3);
        value_set_text(&item, "name", attachment->name);
        value_set_text(&item, "type", attachment->type);
        value_set(&item, "size", value_int(attachment->size));
        size += json_size(&item) + 1;
        if (size > MAIL_EVENT_ATTACHMENTS_MAX)
            break;
        value_append(&list, item);
    }
    return list;
}

static struct value attributes_of(const struct mail *mail, const struct value *headers,
                                  const struct value *from, struct arena *arena)
{
    struct value attributes = value_map(arena, 6);
    struct slice matched;
    enum machine_class class = machine_mail_classify(headers, value_member(from, "email")->string, &matched);
    if (class != MACHINE_NONE) {
        struct value machine = value_map(arena, 2);
        value_set(&machine, "class", value_string(slice_of(machine_class_name(class))));
        value_set(&machine, "header", value_string(matched));
        value_set(&attributes, "machine", machine);
    }
    if (mail->bounced_to.len) {
        struct value bounce = value_map(arena, 3);
        value_set(&bounce, "recipient", value_string(mail->bounced_to));
        value_set_text(&bounce, "action", mail->bounce_action);
        value_set_text(&bounce, "status", mail->bounce_status);
        value_set(&attributes, "bounce", bounce);
    }
    if (mail->attachment_total) {
        value_set(&attributes, "attachments", attachments_of(mail, arena));
        value_set(&attributes, "attachment_count", value_int(mail->attachment_total));
    }
    if (mail->text_cut)
        value_set(&attributes, "text_cut", value_bool(true));
    value_set_text(&attributes, "unread", slice_of(mail->cut));
    return attributes;
}

/* The first of those who it is for; what delivery agents note is nearer to the truth than To. */
static struct slice recipient_of(const struct mail *mail, const struct mail_envelope *envelope)
{
    static const char *const names[] = {"x-original-to", "delivered-to", "envelope-to"};
    if (envelope->recipient.len)
        return envelope->recipient;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct mail_field *field = mail_find(mail, names[i], NULL);
        if (field && ascii_find(field->text, '@') < field->text.len)
            return mail_text_begin(field->text, EVENT_ATTRIBUTE_MAX);
    }
    return mail->to_count ? mail->to[0] : (struct slice){NULL, 0};
}

/* All of the message is hashed: not once for each of a hundred recipients. */
static struct slice subject_of(struct mail *mail, struct arena *arena)
{
    if (mail->message_id.len)
        return mail->message_id;
    if (!mail->made_up_id.len) {
        struct slice hash = content_id(mail, arena);
        mail->made_up_id = arena_format(arena, "<%.*s@no-message-id.invalid>", (int)hash.len, hash.ptr);
    }
    return mail->made_up_id;
}

struct value mail_event(struct mail *mail, const struct mail_envelope *envelope, struct arena *arena)
{
    struct slice recipient = recipient_of(mail, envelope), subject = subject_of(mail, arena);
    struct value headers = headers_of(mail, envelope, arena), from = from_of(mail, envelope, arena);
    struct value data = value_map(arena, 8);
    value_set(&data, "from", from);
    value_set_text(&data, "to", recipient);
    value_set_text(&data, "subject", mail_text_begin(mail->subject, EVENT_TITLE_MAX));
    value_set(&data, "in_reply_to", ids_of(mail->in_reply_to, mail->in_reply_to_count, arena));
    value_set(&data, "references", ids_of(mail->references, mail->references_count, arena));
    value_set(&data, "headers", headers);
    value_set_text(&data, "text", mail->text);
    value_set(&data, "attributes", attributes_of(mail, &headers, &from, arena));

    struct value document = value_map(arena, 6);
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(EVENT_EMAIL_RECEIVED))));
    value_set(&document, "source", value_string(SLICE(MAIL_EVENT_SOURCE)));
    value_set(&document, "id", value_string(event_id(subject, recipient, arena)));
    value_set(&document, "subject", value_string(subject));
    value_set(&document, "data", data);
    return document;
}

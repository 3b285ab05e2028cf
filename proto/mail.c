#include "proto/mail.h"

#include "proto/mail_gmime.h"
#include "proto/mail_ids.h"
#include "proto/mail_scan.h"
#include "proto/mail_text.h"
#include "rules/ascii.h"

void mail_init(void)
{
    mail_gmime_init();
}

const char *mail_status_text(enum mail_status status)
{
    static const char *const texts[] = {"", "the header is too long", "the header has too many fields"};
    return texts[status];
}

const struct mail_field *mail_find(const struct mail *mail, const char *name, const struct mail_field *after)
{
    const struct mail_field *end = mail->fields + mail->field_count;
    for (const struct mail_field *field = after ? after + 1 : mail->fields; field < end; field++) {
        if (ascii_equal(field->name, name))
            return field;
    }
    return NULL;
}

static void read_fields(struct mail *mail, const struct mail_scan *scan, struct arena *arena)
{
    mail->fields = arena_array(arena, struct mail_field, scan->field_count);
    mail->field_count = scan->field_count;
    for (uint32_t i = 0; i < scan->field_count; i++)
        mail->fields[i] =
            (struct mail_field){scan->fields[i].name, mail_gmime_decode(scan->fields[i].value, arena)};
}

/* Obsolete and broken spellings that the address parser gives up on are somebody's all the same: what stands
 * in the last brackets, or the whole. */
static struct slice any_address(struct slice value, struct arena *arena)
{
    struct slice text = mail_line(value, arena);
    size_t start = text.len, end = text.len;
    while (start > 0 && text.ptr[start - 1] != '<')
        start--;
    if (start > 0)
        end = start + ascii_find(ascii_part(text, start, text.len), '>');
    return mail_text_begin(ascii_trim(ascii_part(text, start, end)), EVENT_ATTRIBUTE_MAX);
}

static void read_from(struct mail *mail, const struct mail_scan *scan, struct arena *arena)
{
    static const char *const names[] = {"from", "sender", "reply-to"};
    for (size_t i = 0; i < sizeof names / sizeof *names && !mail->from.email.len; i++) {
        const struct mail_raw_field *field = mail_raw_find(scan->fields, scan->field_count, names[i]);
        if (field)
            (void)mail_gmime_addresses(&mail->from, 1, field->value, arena);
    }
    const struct mail_raw_field *from = mail_raw_find(scan->fields, scan->field_count, "from");
    if (from && !mail->from.email.len)
        mail->from.email = any_address(from->value, arena);
}

static void read_to(struct mail *mail, const struct mail_scan *scan, struct arena *arena)
{
    static const char *const names[] = {"to", "cc"};
    struct party parties[MAIL_TO_MAX];
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (uint32_t at = 0; at < scan->field_count; at++) {
            if (mail_is_named(&scan->fields[at], names[i]))
                count +=
                    mail_gmime_addresses(parties + count, MAIL_TO_MAX - count, scan->fields[at].value, arena);
        }
    }
    mail->to = arena_array(arena, struct slice, count);
    mail->to_count = count;
    for (uint32_t i = 0; i < count; i++)
        mail->to[i] = parties[i].email;
}

/* The ids are made of text that may hold anything. */
static uint32_t read_ids(struct slice **out, const struct mail_scan *scan, const char *name,
                         struct arena *arena)
{
    *out = arena_array(arena, struct slice, EVENT_REFERENCES_MAX);
    const struct mail_raw_field *field = mail_raw_find(scan->fields, scan->field_count, name);
    return field ? mail_ids(*out, mail_line(field->value, arena), arena) : 0;
}

enum mail_status mail_read(struct mail *out, struct slice message, struct arena *arena)
{
    struct mail_scan scan;
    struct slice *ids;
    *out = (struct mail){.text_cut = false};
    enum mail_status status = mail_scan(&scan, message, arena);
    if (status != MAIL_OK)
        return status;
    out->cut = scan.cut;
    out->body = scan.body;
    read_fields(out, &scan, arena);
    read_from(out, &scan, arena);
    read_to(out, &scan, arena);
    const struct mail_field *subject = mail_find(out, "subject", NULL);
    if (subject)
        out->subject = subject->text;
    if (read_ids(&ids, &scan, "message-id", arena))
        out->message_id = ids[0];
    out->in_reply_to_count = read_ids(&out->in_reply_to, &scan, "in-reply-to", arena);
    out->references_count = read_ids(&out->references, &scan, "references", arena);
    if (!scan.cut)
        mail_gmime_body(out, &scan, arena);
    return MAIL_OK;
}

/* The parts are walked twice: once to choose the text (of alternatives the plain one, else what HTML says),
 * once to list what is left. GMime's own recursion is bounded by MAIL_DEPTH_MAX, ours too. */
#include "proto/mail_gmime.h"

#include <gmime/gmime.h>
#include <string.h>

#include "proto/mail_ids.h"
#include "proto/mail_text.h"
#include "rules/ascii.h"

#define TEXTS_MAX 16         /* text parts that become one text */
#define REPORT_MAX 16384     /* bytes of a delivery report that are read */
#define REPORT_FIELDS_MAX 64 /* of each of its blocks */
#define DECODE_CHUNK 65536

static const GMimeParserOptions *parser_options;

void mail_gmime_init(void)
{
    static const char *fallbacks[] = {"utf-8", "windows-1252", NULL};
    g_mime_init();
    GMimeParserOptions *options = g_mime_parser_options_new();
    g_mime_parser_options_set_fallback_charsets(options, fallbacks);
    g_mime_parser_options_set_allow_addresses_without_domain(options, TRUE);
    parser_options = options;
}

static struct slice line_of(const char *text, struct arena *arena)
{
    return mail_line(slice_of(text), arena);
}

struct slice mail_gmime_decode(struct slice value, struct arena *arena)
{
    /* GMime's C strings end at the first NUL; what hides behind one is not said either. */
    char *text =
        g_mime_utils_header_decode_text((GMimeParserOptions *)parser_options, arena_string(arena, value));
    struct slice line = line_of(text, arena);
    g_free(text);
    return line;
}

/* --- addresses --- */

static void add_address(struct party *out, uint32_t *count, uint32_t max, InternetAddress *address,
                        struct arena *arena)
{
    if (INTERNET_ADDRESS_IS_GROUP(address)) {
        InternetAddressList *members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));
        int length = members ? internet_address_list_length(members) : 0;
        for (int i = 0; i < length && *count < max; i++) {
            InternetAddress *member = internet_address_list_get_address(members, i);
            if (!INTERNET_ADDRESS_IS_GROUP(member))
                add_address(out, count, max, member, arena);
        }
        return;
    }
    struct slice email = line_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)), arena);
    if (!email.len || email.len > EVENT_ATTRIBUTE_MAX)
        return;
    struct slice name = line_of(internet_address_get_name(address), arena);
    out[(*count)++] = (struct party){.email = email, .name = mail_text_begin(name, EVENT_ATTRIBUTE_MAX)};
}

/* The beginning of a field that stays within the limits, cut where an address ends. */
static struct slice within_limits(struct slice value)
{
    size_t colons = 0, commas = 0, end = 0;
    for (size_t i = 0; i < value.len && i < MAIL_ADDRESS_BYTES_MAX; i++) {
        colons += value.ptr[i] == ':';
        commas += value.ptr[i] == ',';
        if (colons > MAIL_GROUPS_MAX || commas >= MAIL_ADDRESSES_MAX)
            return (struct slice){value.ptr, end};
        if (value.ptr[i] == ',' || i + 1 == value.len)
            end = i + 1;
    }
    return (struct slice){value.ptr, end};
}

uint32_t mail_gmime_addresses(struct party *out, uint32_t max, struct slice value, struct arena *arena)
{
    uint32_t count = 0;
    InternetAddressList *list = internet_address_list_parse((GMimeParserOptions *)parser_options,
                                                            arena_string(arena, within_limits(value)));
    int length = list ? internet_address_list_length(list) : 0;
    for (int i = 0; i < length && count < max; i++)
        add_address(out, &count, max, internet_address_list_get_address(list, i), arena);
    if (list)
        g_object_unref(list);
    return count;
}

/* --- the content of a part --- */

/* Up to `max` decoded bytes of a part; *size gets how many there are in all. */
static struct slice content_of(GMimeObject *object, size_t max, int64_t *size, struct arena *arena)
{
    char chunk[DECODE_CHUNK];
    struct slice content = {NULL, 0};
    *size = 0;
    GMimeDataWrapper *wrapper = GMIME_IS_PART(object) ? g_mime_part_get_content(GMIME_PART(object)) : NULL;
    if (!wrapper)
        return content;
    GMimeStream *raw = g_mime_data_wrapper_get_stream(wrapper);
    GMimeStream *stream = g_mime_stream_filter_new(raw);
    GMimeFilter *filter = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(wrapper), FALSE);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), filter);
    g_object_unref(filter);
    g_mime_stream_reset(raw);
    gint64 length = g_mime_stream_length(raw); /* no coding of MIME makes content shorter than it is */
    if (length >= 0 && (size_t)length < max)
        max = (size_t)length;
    char *bytes = max ? arena_alloc(arena, max) : NULL;
    for (ssize_t len; (len = g_mime_stream_read(stream, chunk, sizeof chunk)) > 0;) {
        size_t take = content.len + (size_t)len > max ? max - content.len : (size_t)len;
        if (take)
            memcpy(bytes + content.len, chunk, take);
        content = (struct slice){bytes, content.len + take};
        *size += len;
    }
    g_object_unref(stream);
    return content;
}

static struct slice charset_of(GMimeObject *object)
{
    const char *charset = g_mime_object_get_content_type_parameter(object, "charset");
    if (!charset)
        return (struct slice){NULL, 0};
    const char *known = g_mime_charset_iconv_name(charset);
    return slice_of(known ? known : charset);
}

/* --- which parts are the text --- */

struct chosen {
    GMimeObject *parts[TEXTS_MAX];
    unsigned count;
    bool any_plain; /* of the alternatives: then HTML is not looked at */
};

static bool is_type(GMimeObject *object, const char *type, const char *subtype)
{
    return g_mime_content_type_is_type(g_mime_object_get_content_type(object), type, subtype);
}

static bool is_attached(GMimeObject *object)
{
    GMimeContentDisposition *disposition = g_mime_object_get_content_disposition(object);
    if (disposition && g_ascii_strcasecmp(g_mime_content_disposition_get_disposition(disposition),
                                          GMIME_DISPOSITION_ATTACHMENT) == 0)
        return true;
    return GMIME_IS_PART(object) && g_mime_part_get_filename(GMIME_PART(object));
}

static bool is_text(GMimeObject *object)
{
    return GMIME_IS_PART(object) && !is_attached(object) &&
           (is_type(object, "text", "plain") || is_type(object, "text", "html") ||
            is_type(object, "text", "enriched"));
}

static void choose(struct chosen *chosen, GMimeObject *object, unsigned depth);

/* The plain one if there is one, else the last that holds text (RFC 2046 5.1.4). */
static void choose_alternative(struct chosen *chosen, GMimeMultipart *multipart, unsigned depth)
{
    struct chosen best = {.count = 0};
    int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count; i++) {
        struct chosen found = {.count = 0};
        choose(&found, g_mime_multipart_get_part(multipart, i), depth);
        bool is_plain = found.count && is_type(found.parts[0], "text", "plain");
        if (found.count && (is_plain || !best.any_plain)) {
            best = found;
            best.any_plain = is_plain;
        }
        if (is_plain)
            break;
    }
    for (unsigned i = 0; i < best.count && chosen->count < TEXTS_MAX; i++)
        chosen->parts[chosen->count++] = best.parts[i];
}

static void choose(struct chosen *chosen, GMimeObject *object, unsigned depth)
{
    if (depth > MAIL_DEPTH_MAX)
        return;
    if (is_text(object) && chosen->count < TEXTS_MAX)
        chosen->parts[chosen->count++] = object;
    if (!GMIME_IS_MULTIPART(object))
        return;
    GMimeMultipart *multipart = GMIME_MULTIPART(object);
    if (is_type(object, "multipart", "alternative")) {
        choose_alternative(chosen, multipart, depth + 1);
        return;
    }
    bool only_first = is_type(object, "multipart", "related") || is_type(object, "multipart", "report");
    int count = g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count && (i == 0 || !only_first); i++)
        choose(chosen, g_mime_multipart_get_part(multipart, i), depth + 1);
}

static struct slice text_of(GMimeObject *object, bool *cut, struct arena *arena)
{
    int64_t size;
    struct slice bytes = content_of(object, MAIL_ENCODED_TEXT_MAX, &size, arena);
    struct slice text = mail_text(bytes, charset_of(object), arena);
    *cut = *cut || size > MAIL_ENCODED_TEXT_MAX;
    return is_type(object, "text", "plain") ? text : mail_html_text(text, arena);
}

static void read_text(struct mail *mail, const struct chosen *chosen, struct arena *arena)
{
    char *text = chosen->count ? arena_alloc(arena, EVENT_TEXT_MAX) : NULL;
    size_t len = 0;
    for (unsigned i = 0; i < chosen->count && !mail->text_cut; i++) {
        struct slice piece = text_of(chosen->parts[i], &mail->text_cut, arena);
        if (!piece.len)
            continue;
        size_t gap = len ? 2 : 0, room = EVENT_TEXT_MAX - len;
        struct slice fitting = mail_text_begin(piece, room > gap ? room - gap : 0);
        mail->text_cut = mail->text_cut || fitting.len < piece.len;
        if (!fitting.len)
            break;
        memcpy(text + len, "\n\n", gap);
        memcpy(text + len + gap, fitting.ptr, fitting.len);
        len += gap + fitting.len;
    }
    mail->text = (struct slice){text, len};
}

/* --- what is left --- */

struct listing {
    struct mail *mail;
    const struct chosen *chosen;
    struct arena *arena;
};

static bool is_chosen(const struct chosen *chosen, const GMimeObject *object)
{
    for (unsigned i = 0; i < chosen->count; i++) {
        if (chosen->parts[i] == object)
            return true;
    }
    return false;
}

static void list(struct listing *listing, GMimeObject *object, const char *name, int64_t size)
{
    struct mail *mail = listing->mail;
    if (mail->attachment_total++ >= MAIL_ATTACHMENTS_MAX)
        return;
    char *type = g_mime_content_type_get_mime_type(g_mime_object_get_content_type(object));
    mail->attachments[mail->attachment_count++] = (struct mail_attachment){
        .name = mail_text_begin(line_of(name, listing->arena), MAIL_NAME_MAX),
        .type = mail_text_begin(line_of(type, listing->arena), MAIL_NAME_MAX),
        .size = size,
    };
    g_free(type);
}

static void refer(struct mail *mail, struct slice value, struct arena *arena)
{
    struct slice *ids = arena_array(arena, struct slice, EVENT_REFERENCES_MAX);
    uint32_t count = mail_ids(ids, mail_line(value, arena), arena);
    uint32_t room = EVENT_REFERENCES_MAX - mail->references_count;
    for (uint32_t i = count > room ? count - room : 0; i < count; i++)
        mail->references[mail->references_count++] = ids[i];
}

/* The mail that a report is about: its ids tell the thread. */
static void read_original(struct mail *mail, struct slice header, struct arena *arena)
{
    struct mail_raw_field *fields = arena_array(arena, struct mail_raw_field, REPORT_FIELDS_MAX);
    uint32_t count = mail_scan_fields(fields, REPORT_FIELDS_MAX, header, &header);
    static const char *const names[] = {"references", "in-reply-to", "message-id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct mail_raw_field *field = mail_raw_find(fields, count, names[i]);
        if (field)
            refer(mail, field->value, arena);
    }
}

/* "rfc822; anna@example.com": behind the type. */
static struct slice report_value(const struct mail_raw_field *field, struct arena *arena)
{
    if (!field)
        return (struct slice){NULL, 0};
    size_t at = ascii_find(field->value, ';');
    struct slice value =
        at < field->value.len ? ascii_part(field->value, at + 1, field->value.len) : field->value;
    return mail_text_begin(mail_line(value, arena), EVENT_ATTRIBUTE_MAX);
}

/* "5.1.1 (no such user)": without the comment. */
static struct slice report_word(const struct mail_raw_field *field, struct arena *arena)
{
    struct slice line = field ? mail_line(field->value, arena) : (struct slice){NULL, 0};
    size_t len = 0;
    while (len < line.len && !ascii_is_one_of(line.ptr[len], " (;"))
        len++;
    return mail_text_begin((struct slice){line.ptr, len}, EVENT_ATTRIBUTE_MAX);
}

/* A block about the message, then one for each recipient (RFC 3464 2.1): of several, some may have got it. */
static void read_report(struct mail *mail, struct slice report, struct arena *arena)
{
    struct mail_raw_field *fields = arena_array(arena, struct mail_raw_field, REPORT_FIELDS_MAX);
    bool has_failed = false;
    while (report.len && !has_failed) {
        uint32_t count = mail_scan_fields(fields, REPORT_FIELDS_MAX, report, &report);
        struct slice to = report_value(mail_raw_find(fields, count, "final-recipient"), arena);
        struct slice action = report_word(mail_raw_find(fields, count, "action"), arena);
        has_failed = to.len && ascii_equal(action, "failed");
        if (!to.len || (mail->bounced_to.len && !has_failed))
            continue;
        mail->bounced_to = to;
        mail->bounce_action = action;
        mail->bounce_status = report_word(mail_raw_find(fields, count, "status"), arena);
    }
}

static void list_message(struct listing *listing, GMimeObject *object, bool is_report)
{
    GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (!message)
        return;
    list(listing, object, g_mime_message_get_subject(message), 0);
    if (!is_report)
        return;
    char *header = g_mime_object_get_headers(GMIME_OBJECT(message), NULL);
    if (header)
        read_original(listing->mail, arena_copy(listing->arena, slice_of(header)), listing->arena);
    g_free(header);
}

static void list_parts(struct listing *listing, GMimeObject *object, bool is_report, unsigned depth)
{
    if (depth > MAIL_DEPTH_MAX || is_chosen(listing->chosen, object))
        return;
    if (GMIME_IS_MULTIPART(object)) {
        int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
        is_report = is_report || is_type(object, "multipart", "report");
        for (int i = 0; i < count; i++)
            list_parts(listing, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), is_report, depth + 1);
        return;
    }
    if (GMIME_IS_MESSAGE_PART(object)) {
        list_message(listing, object, is_report);
        return;
    }
    bool is_status =
        is_type(object, "message", "delivery-status") || is_type(object, "message", "global-delivery-status");
    bool is_original = is_report && is_type(object, "text", "rfc822-headers");
    int64_t size;
    struct slice content =
        content_of(object, is_status || is_original ? REPORT_MAX : 0, &size, listing->arena);
    if (is_status)
        read_report(listing->mail, content, listing->arena);
    if (is_original)
        read_original(listing->mail, content, listing->arena);
    /* The HTML that stands beside a chosen plain text is no attachment. */
    if (!is_text(object))
        list(listing, object, GMIME_IS_PART(object) ? g_mime_part_get_filename(GMIME_PART(object)) : NULL,
             size);
}

/* Only what MIME asks of the header goes to GMime: it would read every address, too. */
static GMimeStream *mime_stream(const struct mail_scan *scan)
{
    GMimeStream *header = g_mime_stream_mem_new(), *cat = g_mime_stream_cat_new();
    for (uint32_t i = 0; i < scan->field_count; i++) {
        const struct mail_raw_field *field = &scan->fields[i];
        if (!ascii_begins(field->name, "content-") && !mail_is_named(field, "mime-version"))
            continue;
        g_mime_stream_write(header, field->name.ptr, field->name.len);
        g_mime_stream_write_string(header, ": ");
        g_mime_stream_write(header, field->value.ptr, field->value.len);
        g_mime_stream_write_string(header, "\n");
    }
    g_mime_stream_write_string(header, "\n");
    g_mime_stream_reset(header);
    GMimeStream *body = g_mime_stream_mem_new_with_buffer(scan->body.ptr, scan->body.len);
    g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), header);
    g_mime_stream_cat_add_source(GMIME_STREAM_CAT(cat), body);
    g_object_unref(header);
    g_object_unref(body);
    g_mime_stream_reset(cat);
    return cat;
}

void mail_gmime_body(struct mail *mail, const struct mail_scan *scan, struct arena *arena)
{
    struct chosen chosen = {.count = 0};
    struct listing listing = {mail, &chosen, arena};
    GMimeStream *stream = mime_stream(scan);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, (GMimeParserOptions *)parser_options);
    GMimeObject *root = message ? g_mime_message_get_mime_part(message) : NULL;
    mail->attachments = arena_array(arena, struct mail_attachment, MAIL_ATTACHMENTS_MAX);
    if (root) {
        choose(&chosen, root, 0);
        read_text(mail, &chosen, arena);
        list_parts(&listing, root, false, 0);
    }
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_object_unref(stream);
}

#include "server/mail_thread.h"

#include <string.h>

#include "proto/cloudevent.h"
#include "rules/ascii.h"

struct lister {
    struct intake_request *request;
    const struct mail_keys *keys;
    uint32_t project, tokens;
    struct uuid *thread;
};

static void add_tokens(struct lister *lister, struct slice text, char before, char after)
{
    for (size_t at = 0; at < text.len && lister->tokens < MAIL_THREAD_TOKENS_MAX;) {
        struct slice token = mail_token_find(text, &at, before, after);
        lister->tokens += token.len > 0;
        if (token.len && mail_token_read(&lister->thread[lister->request->thread_count], token, lister->keys,
                                         lister->project))
            lister->request->thread_count++;
    }
}

static void add_header(struct lister *lister, const char *name)
{
    const struct value *headers = &lister->request->event.headers;
    for (uint32_t i = 0; headers->kind == VALUE_MAP && i < headers->count; i++) {
        const struct value *value = &headers->members[i].value;
        if (!ascii_equal(headers->members[i].name, name))
            continue;
        if (value->kind == VALUE_STRING)
            add_tokens(lister, value->string, '+', '@');
        for (uint32_t n = 0; value->kind == VALUE_LIST && n < value->count; n++) {
            if (value->items[n].kind == VALUE_STRING)
                add_tokens(lister, value->items[n].string, '+', '@');
        }
    }
}

static void add_ids(struct lister *lister, const struct slice *ids, uint32_t count)
{
    const struct event *event = &lister->request->event;
    for (uint32_t i = count; i > 0; i--)
        cloudevent_conversation(&lister->thread[lister->request->thread_count++], CHANNEL_EMAIL,
                                event->source, ids[i - 1]);
}

static void add_signed(struct lister *lister)
{
    static const char *const headers[] = {"x-original-to", "delivered-to", "to", "cc"};
    const struct event *event = &lister->request->event;
    add_tokens(lister, event->to, '+', '@');
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        add_header(lister, headers[i]);
    for (uint32_t i = event->in_reply_to_count; i > 0; i--)
        add_tokens(lister, event->in_reply_to[i - 1], '<', '.');
    for (uint32_t i = event->references_count; i > 0; i--)
        add_tokens(lister, event->references[i - 1], '<', '.');
    add_tokens(lister, event->subject, '<', '.');
}

/* Behind those that count: mail_thread_settle() has the last word. */
static void add_title(struct lister *lister)
{
    struct intake_request *request = lister->request;
    struct slice title = request->event.title;
    for (size_t at = 0; at < title.len && !request->has_title_thread && !request->event.outbound;) {
        struct slice token = mail_token_find(title, &at, '#', ']');
        request->has_title_thread = token.len && mail_token_read(&lister->thread[request->thread_count],
                                                                 token, lister->keys, lister->project);
    }
}

void mail_thread_list(struct intake_request *request, const struct mail_keys *keys, uint32_t project)
{
    const struct event *event = &request->event;
    uint32_t most = MAIL_THREAD_TOKENS_MAX + event->in_reply_to_count + event->references_count + 1;
    struct lister lister = {request, keys, project, 0, arena_array(request->arena, struct uuid, most)};
    request->thread_count = 0;
    request->has_title_thread = false;
    add_signed(&lister);
    add_ids(&lister, event->in_reply_to, event->in_reply_to_count);
    add_ids(&lister, event->references, event->references_count);
    add_title(&lister);
    request->input.thread = lister.thread;
    request->input.thread_count = request->thread_count;
}

struct uuid mail_thread_writer(const struct uuid *interaction, struct slice email_key)
{
    struct uuid writer;
    cloudevent_conversation(&writer, CHANNEL_EMAIL, uuid_bytes(interaction), email_key);
    return writer;
}

static bool takes_part(const struct interaction *interaction, const struct known_writers *writers,
                       const struct input *input)
{
    const struct facts *facts = &input->facts;
    if (!input->email.key.len)
        return false;
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        if (facts->candidates[i].by_email &&
            uuid_equal(&facts->candidates[i].id, &interaction->data.customer))
            return true;
    }
    struct uuid writer = mail_thread_writer(&interaction->id, input->email.key);
    return slice_equal(interaction->texts.email_key, input->email.key) || known_writers_has(writers, &writer);
}

void mail_thread_settle(const struct core *core, const struct known_writers *writers,
                        struct intake_request *request)
{
    struct input *input = &request->input;
    input->thread_count = request->thread_count;
    if (!request->has_title_thread)
        return;
    const struct interaction *interaction =
        core_find_conversation(core, &input->thread[request->thread_count]);
    input->thread_count += interaction && takes_part(interaction, writers, input);
}

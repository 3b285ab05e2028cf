#include "proto/ami_calls.h"
#include "proto/cloudevent.h"
#include "proto/mail_text.h"

/* The same agent may answer a call twice, on another channel: handed on, and back. */
static struct slice name_of(const struct ami_news *news, struct arena *arena)
{
    static const char *const kinds[] = {"ringing", "answered", "ended"};
    bool has_agent = news->type == EVENT_CALL_ANSWERED && news->agent.len;
    struct slice call = mail_line(news->call, arena), agent = mail_line(news->agent, arena);
    struct slice leg = mail_line(news->leg, arena);
    if (!has_agent)
        return arena_format(arena, "%.*s:%s", (int)call.len, call.ptr, kinds[news->type]);
    return arena_format(arena, "%.*s:answered:%.*s%s%.*s", (int)call.len, call.ptr, (int)agent.len, agent.ptr,
                        leg.len ? ":" : "", (int)leg.len, leg.len ? leg.ptr : "");
}

static struct value data_of(const struct ami_news *news, struct arena *arena)
{
    struct value data = value_map(arena, 6);
    if (news->type == EVENT_CALL_RINGING) {
        struct value from = value_map(arena, 2), attributes = value_map(arena, 2);
        value_set(&from, "phone", value_string(mail_line(news->number, arena)));
        value_set_text(&from, "name", mail_line(news->name, arena));
        value_set_text(&attributes, "context", mail_line(news->context, arena));
        value_set_text(&attributes, "channel", mail_line(news->channel, arena));
        value_set(&data, "from", from);
        value_set(&data, "to", value_string(news->to.len ? mail_line(news->to, arena) : SLICE("s")));
        value_set(&data, "privacy", value_bool(news->is_withheld));
        value_set(&data, "attributes", attributes);
        return data;
    }
    value_set_text(&data, "agent", mail_line(news->agent, arena));
    value_set_text(&data, "queue", mail_line(news->queue, arena));
    value_set_text(&data, "cause", slice_of(news->cause));
    return data;
}

struct value ami_event(const struct ami_news *news, struct slice source, struct arena *arena)
{
    struct value document = value_map(arena, 7);
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(news->type))));
    value_set(&document, "source", value_string(source));
    value_set(&document, "id", value_string(name_of(news, arena)));
    value_set(&document, "subject", value_string(mail_line(news->call, arena)));
    if (news->at_ms != TIME_NEVER)
        value_set(&document, "time", value_string(time_write(news->at_ms, arena)));
    value_set(&document, "data", data_of(news, arena));
    return document;
}

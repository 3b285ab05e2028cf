#include "proto/cloudevent.h"
#include "proto/esl_calls_internal.h"
#include "proto/mail_text.h"
#include "proto/sip_privacy.h"
#include "rules/ascii.h"

#define TIME_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */

struct slice esl_tell_text(const struct esl_event *event, const char *name, struct arena *arena)
{
    return mail_text_begin(mail_line(esl_field(event, name), arena), ESL_TEXT_MAX);
}

static struct value document_of(struct slice source, enum event_type type, struct slice call,
                                struct slice what, struct arena *arena)
{
    struct value document = value_map(arena, 7);
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(type))));
    value_set(&document, "source", value_string(source));
    value_set(
        &document, "id",
        value_string(arena_format(arena, "%.*s %.*s", (int)call.len, call.ptr, (int)what.len, what.ptr)));
    value_set(&document, "subject", value_string(arena_copy(arena, call)));
    return document;
}

static void set_time(struct value *document, const struct esl_event *event, const char *name,
                     struct arena *arena)
{
    int64_t ms = (int64_t)(esl_field_number(event, name) / 1000);
    if (ms > 0 && ms <= TIME_MAX_MS)
        value_set(document, "time", value_string(time_write(ms, arena)));
}

static void tell(const struct esl_calls *calls, enum event_type type, const struct esl_call *call,
                 const struct value *document)
{
    calls->options.on_event(calls->options.ctx, type, slice_of(call->id), document);
}

static bool is_withheld(const struct esl_event *event)
{
    static const char *const names[] = {"variable_sip_Privacy", "variable_sip_h_Privacy", "variable_privacy"};
    bool withheld = ascii_equal(esl_field(event, "Caller-Privacy-Hide-Number"), "true");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        withheld = withheld || sip_privacy_withholds(esl_field(event, names[i]));
    return withheld;
}

/* When the channel was made, so that it is the same whichever event tells of it first. */
void esl_tell_ringing(struct esl_calls *calls, struct esl_call *call, const struct esl_event *event,
                      struct arena *arena)
{
    struct value document =
        document_of(calls->options.source, EVENT_CALL_RINGING, slice_of(call->id), SLICE("ringing"), arena);
    struct value data = value_map(arena, 6), from = value_map(arena, 2), attributes = value_map(arena, 2);
    struct slice number = esl_tell_text(event, "Caller-Caller-ID-Number", arena);
    struct slice name = esl_tell_text(event, "Caller-Caller-ID-Name", arena);
    struct slice to = esl_tell_text(event, "Caller-Destination-Number", arena);
    struct slice agent =
        call->agent.len ? call->agent : esl_tell_text(event, "variable_patchbay_agent", arena);
    set_time(&document, event,
             esl_field_number(event, "Caller-Channel-Created-Time") ? "Caller-Channel-Created-Time"
                                                                    : "Event-Date-Timestamp",
             arena);
    value_set(&from, "phone", value_string(number));
    if (!slice_equal(name, number))
        value_set_text(&from, "name", name);
    value_set(&data, "from", from);
    value_set_text(&data, "to", to.len || !call->is_outside ? to : SLICE("s")); /* as Asterisk has it */
    if (!call->is_outside)
        value_set(&data, "direction", value_string(SLICE("outbound")));
    if (!call->is_outside)
        value_set_text(&data, "agent", agent);
    if (is_withheld(event))
        value_set(&data, "privacy", value_bool(true));
    value_set_text(&attributes, "context", esl_tell_text(event, "Caller-Context", arena));
    value_set_text(&attributes, "profile", esl_tell_text(event, "variable_sofia_profile_name", arena));
    if (attributes.count)
        value_set(&data, "attributes", attributes);
    value_set(&document, "data", data);
    call->is_told = true;
    tell(calls, EVENT_CALL_RINGING, call, &document);
}

/* uuid_dump says when it happened; its event's own time is the one of the question. */
static const char *time_of(const struct esl_event *event, const char *name)
{
    bool is_dump = slice_is(esl_field(event, "Event-Name"), "CHANNEL_DATA");
    return is_dump && esl_field_number(event, name) ? name : "Event-Date-Timestamp";
}

void esl_tell_answered(struct esl_calls *calls, struct esl_call *call, const struct esl_leg *leg,
                       const struct esl_event *event, struct arena *arena)
{
    struct value data = value_map(arena, 1);
    bool is_named = leg && leg->agent.len;
    if (!call->is_told || (call->is_answered && !is_named))
        return;
    struct slice what = is_named ? arena_format(arena, "answered %s", leg->id) : SLICE("answered");
    struct value document =
        document_of(calls->options.source, EVENT_CALL_ANSWERED, slice_of(call->id), what, arena);
    set_time(&document, event,
             time_of(event, is_named ? "Caller-Channel-Bridged-Time" : "Caller-Channel-Answered-Time"),
             arena);
    if (is_named)
        value_set(&data, "agent", value_string(leg->agent));
    value_set(&document, "data", data);
    call->is_answered = true;
    tell(calls, EVENT_CALL_ANSWERED, call, &document);
}

static struct value ended(struct slice source, struct slice call, struct slice cause,
                          const struct esl_event *event, struct arena *arena)
{
    struct value document = document_of(source, EVENT_CALL_ENDED, call, SLICE("ended"), arena);
    struct value data = value_map(arena, 1);
    if (event)
        set_time(&document, event, time_of(event, "Caller-Channel-Hangup-Time"), arena);
    value_set_text(&data, "cause", cause);
    value_set(&document, "data", data);
    return document;
}

struct value esl_call_ended(struct slice source, struct slice call, struct slice cause, struct arena *arena)
{
    return ended(source, call, cause, NULL, arena);
}

void esl_tell_ended(struct esl_calls *calls, struct esl_call *call, struct slice cause,
                    const struct esl_event *event, struct arena *arena)
{
    const struct esl_calls_options *options = &calls->options;
    if (!call->is_told)
        return;
    call->is_told = false;
    if (!event && options->on_lost) {
        options->on_lost(options->ctx, slice_of(call->id), cause);
        return;
    }
    struct value document = ended(options->source, slice_of(call->id), cause, event, arena);
    tell(calls, EVENT_CALL_ENDED, call, &document);
}

void esl_tell_ended_unknown(struct esl_calls *calls, struct slice id, struct slice cause,
                            const struct esl_event *event, struct arena *arena)
{
    struct esl_call unknown = {.is_told = true};
    esl_id_copy(unknown.id, id);
    esl_tell_ended(calls, &unknown, cause, event, arena);
}

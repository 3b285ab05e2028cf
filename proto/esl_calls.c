#include "proto/esl_calls.h"

#include <stdlib.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/mail_text.h"
#include "proto/sip_privacy.h"
#include "rules/ascii.h"
#include "rules/table.h"

#define DIGITS_MAX 18
#define TIME_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */

struct call {
    char id[ESL_ID_MAX + 1]; /* of its first leg */
    uint64_t serial;
    bool is_outside; /* the first leg is the caller's: the call ends with it */
    bool is_told, is_answered;
    struct slice agent; /* of a call that FreeSWITCH places to an agent first; borrowed from the options */
    unsigned legs;
};

struct leg {
    struct table_node by_id;
    char id[ESL_ID_MAX + 1];
    struct call *call;       /* NULL: it has hung up and is still torn down */
    struct leg *prev, *next; /* in the order in which they came */
    struct slice agent;      /* who is reached on it, borrowed from the options */
    bool is_missing;         /* not listed yet */
};

struct esl_calls {
    struct esl_calls_options options;
    struct table legs;
    struct leg ring;
    char core[ESL_ID_MAX + 1];
    uint64_t serial, sequence, gaps;
};

/* --- texts --- */

bool esl_id_is_plain(struct slice id)
{
    for (size_t i = 0; i < id.len; i++) {
        if (!ascii_is_digit(id.ptr[i]) && !ascii_is_letter(id.ptr[i]) && id.ptr[i] != '-')
            return false;
    }
    return id.len && id.len <= ESL_ID_MAX;
}

static void set_id(char out[ESL_ID_MAX + 1], struct slice id)
{
    memcpy(out, id.ptr, id.len);
    out[id.len] = '\0';
}

static struct slice text_of(const struct esl_event *event, const char *name, struct arena *arena)
{
    return mail_text_begin(mail_line(esl_field(event, name), arena), ESL_TEXT_MAX);
}

static uint64_t number_of(const struct esl_event *event, const char *name)
{
    struct slice text = esl_field(event, name);
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]) || text.len > DIGITS_MAX)
            return 0;
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return number;
}

/* --- events --- */

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
    int64_t ms = (int64_t)(number_of(event, name) / 1000);
    if (ms > 0 && ms <= TIME_MAX_MS)
        value_set(document, "time", value_string(time_write(ms, arena)));
}

static void tell(const struct esl_calls *calls, enum event_type type, const struct call *call,
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
static void tell_ringing(struct esl_calls *calls, struct call *call, const struct esl_event *event,
                         struct arena *arena)
{
    struct value document =
        document_of(calls->options.source, EVENT_CALL_RINGING, slice_of(call->id), SLICE("ringing"), arena);
    struct value data = value_map(arena, 6), from = value_map(arena, 2), attributes = value_map(arena, 2);
    struct slice number = text_of(event, "Caller-Caller-ID-Number", arena);
    struct slice name = text_of(event, "Caller-Caller-ID-Name", arena);
    struct slice agent = call->agent.len ? call->agent : text_of(event, "variable_patchbay_agent", arena);
    set_time(&document, event,
             number_of(event, "Caller-Channel-Created-Time") ? "Caller-Channel-Created-Time"
                                                             : "Event-Date-Timestamp",
             arena);
    value_set(&from, "phone", value_string(number));
    if (!slice_equal(name, number))
        value_set_text(&from, "name", name);
    value_set(&data, "from", from);
    value_set_text(&data, "to", text_of(event, "Caller-Destination-Number", arena));
    if (!call->is_outside)
        value_set(&data, "direction", value_string(SLICE("outbound")));
    if (!call->is_outside)
        value_set_text(&data, "agent", agent);
    if (is_withheld(event))
        value_set(&data, "privacy", value_bool(true));
    value_set_text(&attributes, "context", text_of(event, "Caller-Context", arena));
    value_set_text(&attributes, "profile", text_of(event, "variable_sofia_profile_name", arena));
    if (attributes.count)
        value_set(&data, "attributes", attributes);
    value_set(&document, "data", data);
    call->is_told = true;
    tell(calls, EVENT_CALL_RINGING, call, &document);
}

/* `leg`: the one that somebody answers on, of whom the name is known; else once for the call. */
static void tell_answered(struct esl_calls *calls, struct call *call, const struct leg *leg,
                          const struct esl_event *event, struct arena *arena)
{
    struct value data = value_map(arena, 1);
    bool is_named = leg && leg->agent.len;
    if (!call->is_told || (call->is_answered && !is_named))
        return;
    struct slice what = is_named ? arena_format(arena, "answered %s", leg->id) : SLICE("answered");
    struct value document =
        document_of(calls->options.source, EVENT_CALL_ANSWERED, slice_of(call->id), what, arena);
    set_time(&document, event, "Event-Date-Timestamp", arena);
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
        set_time(&document, event, "Event-Date-Timestamp", arena);
    value_set_text(&data, "cause", cause);
    value_set(&document, "data", data);
    return document;
}

struct value esl_call_ended(struct slice source, struct slice call, struct slice cause, struct arena *arena)
{
    return ended(source, call, cause, NULL, arena);
}

static void tell_ended(struct esl_calls *calls, struct call *call, struct slice cause,
                       const struct esl_event *event, struct arena *arena)
{
    if (!call->is_told)
        return;
    struct value document = ended(calls->options.source, slice_of(call->id), cause, event, arena);
    call->is_told = false;
    tell(calls, EVENT_CALL_ENDED, call, &document);
}

/* --- legs --- */

struct esl_calls *esl_calls_alloc(const struct esl_calls_options *options)
{
    struct esl_calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        abort();
    calls->options = *options;
    calls->ring.prev = calls->ring.next = &calls->ring;
    table_init(&calls->legs);
    return calls;
}

static struct leg *find_any(const struct esl_calls *calls, struct slice id)
{
    struct table_node *node = id.len ? table_find(&calls->legs, id) : NULL;
    return node ? node->owner : NULL;
}

static struct leg *find_leg(const struct esl_calls *calls, struct slice id)
{
    struct leg *leg = find_any(calls, id);
    return leg && leg->call ? leg : NULL;
}

static struct leg *leg_add(struct esl_calls *calls, struct slice id, struct call *call)
{
    struct leg *leg = calloc(1, sizeof *leg);
    if (!leg)
        abort();
    set_id(leg->id, id);
    leg->call = call;
    leg->by_id.owner = leg;
    call->legs++;
    leg->prev = calls->ring.prev;
    leg->next = &calls->ring;
    leg->prev->next = leg->next->prev = leg;
    table_insert(&calls->legs, &leg->by_id, slice_of(leg->id));
    return leg;
}

static void leg_leave(struct leg *leg)
{
    if (--leg->call->legs == 0)
        free(leg->call);
    leg->call = NULL;
}

static void leg_free(struct esl_calls *calls, struct leg *leg)
{
    if (leg->call)
        leg_leave(leg);
    table_remove(&calls->legs, &leg->by_id);
    leg->prev->next = leg->next;
    leg->next->prev = leg->prev;
    free(leg);
}

static void leg_hung_up(struct esl_calls *calls, struct leg *leg, struct slice cause,
                        const struct esl_event *event, struct arena *arena)
{
    struct call *call = leg->call;
    if (call->legs == 1 || (call->is_outside && strcmp(leg->id, call->id) == 0))
        tell_ended(calls, call, cause, event, arena);
    leg_leave(leg);
}

static void leg_gone(struct esl_calls *calls, struct leg *leg, struct slice cause,
                     const struct esl_event *event, struct arena *arena)
{
    if (leg->call)
        leg_hung_up(calls, leg, cause, event, arena);
    leg_free(calls, leg);
}

void esl_calls_free(struct esl_calls **owner)
{
    struct esl_calls *calls = *owner;
    *owner = NULL;
    if (!calls)
        return;
    while (calls->ring.next != &calls->ring)
        leg_free(calls, calls->ring.next);
    table_deinit(&calls->legs);
    free(calls);
}

static struct call *call_add(struct esl_calls *calls, struct slice id, bool is_outside)
{
    struct call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    set_id(call->id, id);
    call->serial = ++calls->serial;
    call->is_outside = is_outside;
    return call;
}

static struct slice agent_at(const struct esl_calls *calls, struct slice number)
{
    const struct esl_calls_options *options = &calls->options;
    return options->agent_at && number.len ? options->agent_at(options->ctx, number)
                                           : (struct slice){NULL, 0};
}

/* --- what channels do --- */

static struct leg *parent_of(const struct esl_calls *calls, const struct esl_event *event, struct slice id)
{
    static const char *const names[] = {"Other-Leg-Unique-ID", "Channel-Call-UUID",
                                        "variable_originating_leg_uuid", "variable_originator",
                                        "variable_other_loopback_leg_uuid"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct slice other = esl_field(event, names[i]);
        struct leg *leg = slice_equal(other, id) ? NULL : find_leg(calls, other);
        if (leg)
            return leg;
    }
    return NULL;
}

/* Made by a leg that is not known: nothing that begins here. The other leg of a caller who is bridged is the
 * one that was made for the call. */
static bool has_parent(const struct esl_event *event, struct slice id)
{
    struct slice call = esl_field(event, "Channel-Call-UUID");
    bool is_made_by_other = esl_field(event, "Other-Leg-Unique-ID").len &&
                            !slice_is(esl_field(event, "Other-Type"), "originatee");
    return is_made_by_other || (call.len && !slice_equal(call, id)) ||
           ascii_begins(esl_field(event, "Channel-Name"), "loopback/");
}

static bool comes_from_outside(const struct esl_calls *calls, const struct esl_event *event)
{
    const struct esl_calls_options *options = &calls->options;
    return ascii_equal(esl_field(event, "Call-Direction"), "inbound") &&
           (!options->is_outside || options->is_outside(options->ctx, esl_field(event, "Caller-Context")));
}

/* Wherever the dialplan, or a transfer, has led it since it began. */
static bool is_open(const struct esl_calls *calls, struct slice id)
{
    return calls->options.is_open && calls->options.is_open(calls->options.ctx, id);
}

static bool is_inbound(const struct esl_event *event)
{
    return ascii_equal(esl_field(event, "Call-Direction"), "inbound");
}

/* Joins the call of its parent, or begins one. NULL: it is none of our business. */
static struct leg *leg_begin(struct esl_calls *calls, const struct esl_event *event, struct slice id,
                             struct arena *arena)
{
    struct leg *parent = parent_of(calls, event, id), *leg;
    struct slice agent = agent_at(calls, esl_field(event, "Caller-Destination-Number"));
    if (calls->legs.count == ESL_LEGS_MAX || find_any(calls, id))
        return NULL;
    if (parent) {
        leg = leg_add(calls, id, parent->call);
        leg->agent = agent;
        if (!leg->call->is_told && !leg->call->is_outside && !agent.len && !is_inbound(event))
            tell_ringing(calls, leg->call, event, arena);
        return leg;
    }
    bool goes_on = is_open(calls, id);
    if (!goes_on && (has_parent(event, id) || (is_inbound(event) && !comes_from_outside(calls, event))))
        return NULL;
    leg = leg_add(calls, id, call_add(calls, id, is_inbound(event)));
    leg->agent = leg->call->is_outside ? (struct slice){NULL, 0} : agent;
    leg->call->agent = leg->agent;
    leg->call->is_told = goes_on;
    if (!goes_on && !leg->agent.len) /* else the customer is called when the agent has answered */
        tell_ringing(calls, leg->call, event, arena);
    return leg;
}

/* Both are in the call that began first from here on. */
static void bridge(struct esl_calls *calls, const struct esl_event *event, struct leg *leg,
                   struct arena *arena)
{
    struct slice a = esl_field(event, "Bridge-A-Unique-ID"), b = esl_field(event, "Bridge-B-Unique-ID");
    struct slice id = slice_of(leg->id), other_id = esl_field(event, "Other-Leg-Unique-ID");
    other_id = a.len && b.len ? (slice_equal(a, id) ? b : a) : other_id;
    struct leg *other = find_leg(calls, other_id);
    if (!find_any(calls, other_id) && esl_id_is_plain(other_id) && calls->legs.count < ESL_LEGS_MAX) {
        other = leg_add(calls, other_id, leg->call);
        other->agent = agent_at(calls, esl_field(event, "Other-Leg-Destination-Number"));
    }
    if (other && other->call != leg->call) {
        struct leg *moves = other->call->serial < leg->call->serial ? leg : other;
        struct call *to = moves == leg ? other->call : leg->call;
        to->legs++; /* before the other may go */
        if (moves->call->legs == 1)
            tell_ended(calls, moves->call, SLICE("transferred"), event, arena);
        leg_leave(moves);
        moves->call = to;
    }
    tell_answered(calls, leg->call, other && other->agent.len ? other : leg, event, arena);
}

static void rename_leg(struct esl_calls *calls, const struct esl_event *event, struct slice id)
{
    struct leg *leg = find_leg(calls, esl_field(event, "Old-Unique-ID"));
    if (!leg || find_any(calls, id))
        return;
    if (leg->call->is_outside && strcmp(leg->id, leg->call->id) == 0)
        leg->call->is_outside = false; /* its first leg has another name now: it ends with its last one */
    table_remove(&calls->legs, &leg->by_id);
    set_id(leg->id, id);
    table_insert(&calls->legs, &leg->by_id, slice_of(leg->id));
}

/* CHANNEL_HANGUP comes first, CHANNEL_HANGUP_COMPLETE always, CHANNEL_DESTROY last. */
static void hang_up(struct esl_calls *calls, const struct esl_event *event, struct slice name,
                    struct slice id, struct arena *arena)
{
    struct leg *leg = find_any(calls, id);
    struct slice cause = text_of(event, "Hangup-Cause", arena);
    bool is_complete = slice_is(name, "CHANNEL_HANGUP_COMPLETE");
    if (leg && slice_is(name, "CHANNEL_HANGUP")) {
        if (leg->call)
            leg_hung_up(calls, leg, cause, event, arena);
    } else if (leg && (is_complete || slice_is(name, "CHANNEL_DESTROY"))) {
        leg_gone(calls, leg, cause, event, arena);
    } else if (is_complete &&
               ((comes_from_outside(calls, event) && !has_parent(event, id)) || is_open(calls, id))) {
        struct call unknown = {.is_told = true};
        set_id(unknown.id, id);
        tell_ended(calls, &unknown, cause, event, arena);
    }
}

/* --- the stream --- */

static void end_all(struct esl_calls *calls, struct slice cause, struct arena *arena)
{
    while (calls->ring.next != &calls->ring)
        leg_gone(calls, calls->ring.next, cause, NULL, arena);
}

static void watch(struct esl_calls *calls, const struct esl_event *event, struct arena *arena)
{
    struct slice core = esl_field(event, "Core-UUID");
    uint64_t sequence = number_of(event, "Event-Sequence");
    bool is_same = slice_is(core, calls->core);
    if (is_same && calls->sequence && sequence && sequence != calls->sequence + 1)
        calls->gaps++;
    calls->sequence = sequence;
    if (is_same || !esl_id_is_plain(core))
        return;
    if (calls->core[0])
        end_all(calls, SLICE("restarted"), arena);
    set_id(calls->core, core);
}

void esl_calls_event(struct esl_calls *calls, const struct esl_event *event, struct arena *arena)
{
    static const char *const begins[] = {"CHANNEL_CREATE",   "CHANNEL_ANSWER",   "CHANNEL_BRIDGE",
                                         "CHANNEL_UNBRIDGE", "CHANNEL_PARK",     "CHANNEL_DATA",
                                         "CHANNEL_HOLD",     "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"};
    struct slice name = esl_field(event, "Event-Name"), id = esl_field(event, "Unique-ID");
    watch(calls, event, arena);
    if (!esl_id_is_plain(id))
        return;
    if (slice_is(name, "CHANNEL_UUID"))
        rename_leg(calls, event, id);
    hang_up(calls, event, name, id, arena);
    bool is_known = false;
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        is_known = is_known || slice_is(name, begins[i]);
    if (!is_known)
        return;
    struct leg *leg = find_leg(calls, id);
    if (!leg)
        leg = leg_begin(calls, event, id, arena);
    if (!leg)
        return;
    bool is_first = strcmp(leg->id, leg->call->id) == 0;
    if (slice_is(name, "CHANNEL_ANSWER") && (is_first || !leg->call->is_outside))
        tell_answered(calls, leg->call, NULL, event, arena);
    else if (slice_is(name, "CHANNEL_BRIDGE"))
        bridge(calls, event, leg, arena);
}

uint64_t esl_calls_gaps(const struct esl_calls *calls)
{
    return calls->gaps;
}

/* --- lists --- */

void esl_calls_list_begin(struct esl_calls *calls)
{
    for (struct leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next)
        leg->is_missing = true;
}

bool esl_calls_listed(struct esl_calls *calls, struct slice id, struct slice call_id, bool is_inbound_leg)
{
    struct leg *leg = find_any(calls, id), *parent = find_leg(calls, call_id);
    if (leg)
        leg->is_missing = false;
    else if (parent && esl_id_is_plain(id) && calls->legs.count < ESL_LEGS_MAX)
        leg_add(calls, id, parent->call);
    else
        return !is_open(calls, id) && (!is_inbound_leg || (call_id.len && !slice_equal(call_id, id)));
    return true;
}

void esl_calls_list_end(struct esl_calls *calls, struct arena *arena)
{
    struct leg *next;
    for (struct leg *leg = calls->ring.next; leg != &calls->ring; leg = next) {
        next = leg->next;
        if (leg->is_missing)
            leg_gone(calls, leg, SLICE("lost"), NULL, arena);
    }
}

void esl_calls_lost(struct esl_calls *calls, struct slice id, struct arena *arena)
{
    struct leg *leg = find_any(calls, id);
    if (leg)
        leg_gone(calls, leg, SLICE("lost"), NULL, arena);
}

bool esl_calls_has(const struct esl_calls *calls, struct slice call)
{
    if (find_leg(calls, call))
        return true;
    for (const struct leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->call && slice_is(call, leg->call->id))
            return true;
    }
    return false;
}

bool esl_calls_is_with(const struct esl_calls *calls, struct slice call, struct slice agent)
{
    for (const struct leg *leg = calls->ring.next; leg != &calls->ring; leg = leg->next) {
        if (leg->call && slice_is(call, leg->call->id) && slice_equal(leg->agent, agent))
            return true;
    }
    return false;
}

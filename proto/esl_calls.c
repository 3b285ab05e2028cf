#include "proto/esl_calls.h"

#include <string.h>

#include "proto/esl_calls_internal.h"
#include "rules/ascii.h"

static struct esl_leg *parent_of(const struct esl_calls *calls, const struct esl_event *event,
                                 struct slice id)
{
    static const char *const names[] = {"Other-Leg-Unique-ID",
                                        "Channel-Call-UUID",
                                        "variable_originating_leg_uuid",
                                        "variable_originator",
                                        "variable_other_loopback_leg_uuid",
                                        "variable_cc_member_session_uuid"}; /* mod_callcenter's caller */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct slice other = esl_field(event, names[i]);
        struct esl_leg *leg = slice_equal(other, id) ? NULL : esl_leg_find(calls, other);
        if (leg)
            return leg;
    }
    return NULL;
}

static bool is_loopback(const struct esl_event *event)
{
    return ascii_begins(esl_field(event, "Channel-Name"), "loopback/");
}

/* Made by a leg that is not known: nothing that begins here. The other leg of a caller who is bridged is the
 * one that was made for the call. */
static bool has_parent(const struct esl_event *event, struct slice id)
{
    struct slice call = esl_field(event, "Channel-Call-UUID");
    bool is_made_by_other = esl_field(event, "Other-Leg-Unique-ID").len &&
                            !slice_is(esl_field(event, "Other-Type"), "originatee");
    return is_made_by_other || (call.len && !slice_equal(call, id)) || is_loopback(event);
}

static bool comes_from_outside(const struct esl_calls *calls, const struct esl_event *event)
{
    const struct esl_calls_options *options = &calls->options;
    return ascii_equal(esl_field(event, "Call-Direction"), "inbound") &&
           (!options->is_outside || options->is_outside(options->ctx, esl_field(event, "Caller-Context")));
}

static bool is_inbound(const struct esl_event *event)
{
    return ascii_equal(esl_field(event, "Call-Direction"), "inbound");
}

/* Who is at the other end of a leg: whose number was dialled; whose phone was called, if that registers under
 * a name of its own (the directory says so in presence_id); or whose phone called itself, to pick up say.
 * What comes from outside may give itself any number, and a loopback has that of whoever it is made for. */
static struct slice agent_of(const struct esl_calls *calls, const struct esl_event *event)
{
    struct slice agent = esl_leg_agent_at(calls, esl_field(event, "Caller-Destination-Number"));
    if (agent.len || is_loopback(event))
        return agent;
    if (!is_inbound(event))
        return esl_leg_agent_at(calls, esl_user_of(esl_field(event, "Channel-Presence-ID")));
    return comes_from_outside(calls, event)
               ? agent
               : esl_leg_agent_at(calls, esl_field(event, "Caller-Caller-ID-Number"));
}

/* Joins the call of its parent, or begins one. NULL: it is none of our business. */
static struct esl_leg *leg_begin(struct esl_calls *calls, const struct esl_stream *stream,
                                 const struct esl_event *event, struct slice id, struct arena *arena)
{
    struct esl_leg *parent = parent_of(calls, event, id), *leg;
    struct slice agent = agent_of(calls, event);
    if (calls->legs.count == ESL_LEGS_MAX || esl_leg_find_any(calls, id))
        return NULL;
    if (parent) {
        leg = esl_leg_add(calls, stream, id, parent->call);
        leg->agent = agent;
        if (!leg->call->is_told && !leg->call->is_outside && !agent.len && !is_inbound(event))
            esl_tell_ringing(calls, leg->call, event, arena);
        return leg;
    }
    bool goes_on = esl_call_is_open(calls, id);
    if (!goes_on && (has_parent(event, id) || (is_inbound(event) && !comes_from_outside(calls, event))))
        return NULL;
    leg = esl_leg_add(calls, stream, id, esl_leg_begin_call(calls, id, is_inbound(event)));
    leg->agent = leg->call->is_outside ? (struct slice){NULL, 0} : agent;
    leg->call->agent = leg->agent;
    leg->call->is_told = goes_on;
    if (!goes_on && !leg->agent.len) /* else the customer is called when the agent has answered */
        esl_tell_ringing(calls, leg->call, event, arena);
    return leg;
}

static struct slice bridged_to(const struct esl_event *event, struct slice id)
{
    struct slice a = esl_field(event, "Bridge-A-Unique-ID"), b = esl_field(event, "Bridge-B-Unique-ID");
    if (a.len && b.len)
        return slice_equal(a, id) ? b : a;
    return esl_field(event, "Other-Leg-Unique-ID");
}

static struct esl_leg *find_other(struct esl_calls *calls, const struct esl_event *event,
                                  const struct esl_leg *leg, struct slice id)
{
    struct esl_leg *other = esl_leg_find(calls, id);
    if (esl_leg_find_any(calls, id) || !esl_id_is_plain(id) || calls->legs.count == ESL_LEGS_MAX)
        return other;
    other = esl_leg_add(calls, leg->stream, id, leg->call);
    if (slice_equal(esl_field(event, "Other-Leg-Unique-ID"), id))
        other->agent = esl_leg_agent_at(calls, esl_field(event, "Other-Leg-Destination-Number"));
    return other;
}

static void talk(struct esl_leg *leg, struct esl_leg *other)
{
    leg->is_answered = true;
    esl_leg_part(leg);
    if (!other || other == leg)
        return;
    esl_leg_part(other);
    other->is_answered = true;
    leg->peer = other;
    other->peer = leg;
}

/* One agent asks another back, and the caller is with neither: whoever has the call keeps it until the caller
 * is put through. */
static bool is_consultation(const struct esl_leg *leg, const struct esl_leg *other)
{
    return other && leg->agent.len && other->agent.len && !slice_equal(leg->agent, other->agent);
}

/* Both are in the call that began first from here on. */
static void bridge(struct esl_calls *calls, const struct esl_event *event, struct esl_leg *leg,
                   struct slice other_id, struct arena *arena)
{
    struct esl_leg *other = find_other(calls, event, leg, other_id);
    if (other && other->call != leg->call) {
        struct esl_leg *moves = other->call->serial < leg->call->serial ? leg : other;
        struct esl_call *to = moves == leg ? other->call : leg->call;
        to->legs++; /* before the other may go */
        if (moves->call->legs == 1)
            esl_tell_ended(calls, moves->call, SLICE("transferred"), event, arena);
        esl_leg_leave(calls, moves);
        moves->call = to;
    }
    talk(leg, other);
    if (!is_consultation(leg, other))
        esl_tell_answered(calls, leg->call, other && other->agent.len ? other : leg, event, arena);
}

/* Of a call from outside the caller's leg counts: others are answered by whoever is called. */
static void answer(struct esl_calls *calls, const struct esl_event *event, struct esl_leg *leg,
                   struct arena *arena)
{
    leg->is_answered = true;
    if (strcmp(leg->id, leg->call->id) == 0 || !leg->call->is_outside)
        esl_tell_answered(calls, leg->call, NULL, event, arena);
}

/* What happened to a leg before uuid_dump, or the greeting of a call's own connection, told of it. Either of
 * two that talk may be the first to say so. */
static void catch_up(struct esl_calls *calls, const struct esl_event *event, struct esl_leg *leg,
                     struct arena *arena)
{
    struct slice other_id = esl_field(event, "variable_bridge_uuid");
    const struct esl_leg *other = esl_leg_find(calls, other_id);
    if (!ascii_equal(esl_field(event, "Answer-State"), "answered"))
        return;
    answer(calls, event, leg, arena);
    if (!esl_id_is_plain(other_id) || (other && leg->peer == other))
        return;
    esl_tell_answered(calls, leg->call, NULL, event, arena);
    bridge(calls, event, leg, other_id, arena);
}

/* uuid_dump of a channel that has hung up and is still torn down. */
static void take_leave(struct esl_calls *calls, const struct esl_event *event, struct slice id,
                       struct arena *arena)
{
    struct esl_leg *leg = esl_leg_find_any(calls, id);
    struct slice cause = esl_tell_text(event, "Hangup-Cause", arena);
    if (leg && leg->call)
        esl_leg_hung_up(calls, leg, cause, event, arena);
    else if (!leg && esl_call_is_open(calls, id))
        esl_tell_ended_unknown(calls, id, cause, event, arena);
}

static void rename_leg(struct esl_calls *calls, const struct esl_event *event, struct slice id)
{
    struct esl_leg *leg = esl_leg_find(calls, esl_field(event, "Old-Unique-ID"));
    if (!leg || esl_leg_find_any(calls, id))
        return;
    if (leg->call->is_outside && strcmp(leg->id, leg->call->id) == 0)
        leg->call->is_outside = false; /* its first leg has another name now: it ends with its last one */
    table_remove(&calls->legs, &leg->by_id);
    esl_id_copy(leg->id, id);
    table_insert(&calls->legs, &leg->by_id, slice_of(leg->id));
}

/* CHANNEL_HANGUP comes first, CHANNEL_HANGUP_COMPLETE always, CHANNEL_DESTROY last. */
static void hang_up(struct esl_calls *calls, const struct esl_event *event, struct slice name,
                    struct slice id, struct arena *arena)
{
    struct esl_leg *leg = esl_leg_find_any(calls, id);
    struct slice cause = esl_tell_text(event, "Hangup-Cause", arena);
    bool is_complete = slice_is(name, "CHANNEL_HANGUP_COMPLETE");
    if (leg && slice_is(name, "CHANNEL_HANGUP")) {
        if (leg->call)
            esl_leg_hung_up(calls, leg, cause, event, arena);
    } else if (leg && (is_complete || slice_is(name, "CHANNEL_DESTROY"))) {
        esl_leg_gone(calls, leg, cause, event, arena);
    } else if (is_complete && ((comes_from_outside(calls, event) && !has_parent(event, id)) ||
                               esl_call_is_open(calls, id))) {
        esl_tell_ended_unknown(calls, id, cause, event, arena);
    }
}

/* --- the stream --- */

static void end_legs(struct esl_calls *calls, const struct esl_stream *stream, struct slice cause,
                     struct arena *arena)
{
    struct esl_leg *next;
    for (struct esl_leg *leg = calls->ring.next; leg != &calls->ring; leg = next) {
        next = leg->next;
        if (leg->stream == stream)
            esl_leg_gone(calls, leg, cause, NULL, arena);
    }
}

void esl_calls_end_stream(struct esl_calls *calls, const struct esl_stream *stream, struct arena *arena)
{
    end_legs(calls, stream, SLICE("lost"), arena);
}

static void watch(struct esl_calls *calls, struct esl_stream *stream, const struct esl_event *event,
                  struct arena *arena)
{
    struct slice core = esl_field(event, "Core-UUID");
    uint64_t sequence = esl_field_number(event, "Event-Sequence");
    bool is_same = slice_is(core, stream->core);
    if (is_same && stream->sequence && sequence && sequence != stream->sequence + 1)
        stream->gaps++;
    stream->sequence = sequence;
    if (is_same || !esl_id_is_plain(core))
        return;
    if (stream->core[0])
        end_legs(calls, stream, SLICE("restarted"), arena);
    esl_id_copy(stream->core, core);
}

void esl_calls_event(struct esl_calls *calls, struct esl_stream *stream, const struct esl_event *event,
                     struct arena *arena)
{
    static const char *const begins[] = {"CHANNEL_CREATE",   "CHANNEL_ANSWER",   "CHANNEL_BRIDGE",
                                         "CHANNEL_UNBRIDGE", "CHANNEL_PARK",     "CHANNEL_DATA",
                                         "CHANNEL_HOLD",     "CHANNEL_PROGRESS", "CHANNEL_PROGRESS_MEDIA"};
    struct slice name = esl_field(event, "Event-Name"), id = esl_field(event, "Unique-ID");
    watch(calls, stream, event, arena);
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
    struct esl_leg *leg = esl_leg_find(calls, id);
    bool has_hung_up = ascii_equal(esl_field(event, "Answer-State"), "hangup");
    if (has_hung_up && slice_is(name, "CHANNEL_DATA")) {
        take_leave(calls, event, id, arena);
        return;
    }
    if (!leg && !has_hung_up)
        leg = leg_begin(calls, stream, event, id, arena);
    if (!leg)
        return;
    leg->stream = stream;
    if (slice_is(name, "CHANNEL_ANSWER"))
        answer(calls, event, leg, arena);
    else if (slice_is(name, "CHANNEL_BRIDGE"))
        bridge(calls, event, leg, bridged_to(event, id), arena);
    else if (slice_is(name, "CHANNEL_UNBRIDGE"))
        esl_leg_part(leg);
    else if (slice_is(name, "CHANNEL_DATA"))
        catch_up(calls, event, leg, arena);
}

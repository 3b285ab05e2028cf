#include "proto/decision.h"

#include "proto/cloudevent.h"

struct slice sequence_text(uint64_t sequence, struct arena *arena)
{
    char *text = arena_alloc(arena, SEQUENCE_DIGITS + 1);
    for (int i = SEQUENCE_DIGITS; i > 0; i--, sequence /= 10)
        text[i - 1] = (char)('0' + sequence % 10);
    return (struct slice){text, SEQUENCE_DIGITS};
}

bool sequence_read(uint64_t *out, struct slice text)
{
    uint64_t value = 0;
    if (text.len == 0 || text.len > SEQUENCE_DIGITS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || value > UINT64_MAX / 10 - 1)
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    *out = value;
    return true;
}

static struct value name_value(const char *name)
{
    return value_string(slice_of(name));
}

static struct value candidates_value(const struct snapshot *snapshot, struct arena *arena)
{
    struct value list = value_list(arena, snapshot->candidate_count);
    for (uint32_t i = 0; i < snapshot->candidate_count; i++) {
        char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);
        uuid_format(&snapshot->candidates[i], text);
        value_append(&list, value_string((struct slice){text, UUID_TEXT_LEN}));
    }
    return list;
}

static struct value identity_value(const struct snapshot *snapshot, struct arena *arena)
{
    struct value identity = value_map(arena, 3);
    value_set(&identity, "outcome", name_value(identity_outcome_name(snapshot->identity)));
    value_set_uuid(&identity, arena, "customer", &snapshot->customer);
    value_set(&identity, "candidates", candidates_value(snapshot, arena));
    return identity;
}

static void set_snapshot(struct value *map, const struct snapshot *snapshot, struct arena *arena)
{
    /* Names of a configuration, which may be gone when the answer is given. */
    value_set_text(map, "queue", arena_copy(arena, snapshot->queue));
    value_set_text(map, "agent", arena_copy(arena, snapshot->agent));
    value_set_uuid(map, arena, "offer", &snapshot->offer);
    if (snapshot->expires_ms != TIME_NEVER)
        value_set(map, "expires_at", value_string(time_write(snapshot->expires_ms, arena)));
    value_set(map, "identity", identity_value(snapshot, arena));
}

struct value decision_event_answer(const struct outcome *outcome, struct slice id, struct slice source,
                                   struct arena *arena)
{
    struct value answer = value_map(arena, 10);
    const struct snapshot *snapshot = outcome->snapshot;
    enum event_outcome shown = outcome->outcome;
    value_set_text(&answer, "id", id);
    value_set_text(&answer, "source", source);
    value_set(&answer, "sequence", value_string(sequence_text(outcome->seq, arena)));
    if (snapshot)
        value_set_uuid(&answer, arena, "interaction", &snapshot->interaction);
    /* An outbound call is its agent's from the start: for its producer it is attached. */
    if (shown == OUTCOME_ASSIGNED)
        shown = OUTCOME_ATTACHED;
    value_set(&answer, "outcome", name_value(event_outcome_name(shown)));
    if (snapshot)
        set_snapshot(&answer, snapshot, arena);
    return answer;
}

/* --- What a desktop is shown --- */

static struct value party_value(const struct snapshot *snapshot, struct arena *arena)
{
    const struct party_texts *texts = snapshot->texts;
    struct value party = value_map(arena, 4);
    /* A number without a key was withheld or is none: a desktop must not show what the caller hid. */
    value_set_text(&party, "phone", texts->phone_key);
    value_set_text(&party, "email", texts->email_key.len ? texts->email : texts->email_key);
    value_set_text(&party, "id", texts->id);
    value_set_text(&party, "name",
                   snapshot->identity == IDENTITY_ANONYMOUS ? (struct slice){NULL, 0} : texts->name);
    return party;
}

static struct value customer_value(const struct customer_fact *fact, struct arena *arena)
{
    struct value customer = value_map(arena, 4);
    struct value tags = value_list(arena, fact->tag_count);
    value_set_uuid(&customer, arena, "id", &fact->id);
    value_set(&customer, "name", value_string(fact->name));
    for (uint32_t i = 0; i < fact->tag_count; i++)
        value_append(&tags, value_string(fact->tags[i]));
    value_set(&customer, "tags", tags);
    value_set_text(&customer, "owner", fact->owner);
    return customer;
}

/* The customer to go to, or the search to show. A chat carries none: its agent searches (contract section 2).
 */
static bool open_value(struct value *out, const struct snapshot *snapshot, struct arena *arena)
{
    struct value open = value_map(arena, 2), search = value_map(arena, 2);
    if (!uuid_is_nil(&snapshot->customer)) {
        value_set_uuid(&open, arena, "customer", &snapshot->customer);
    } else if (snapshot->channel == CHANNEL_CHAT && !snapshot->candidate_count) {
        return false;
    } else {
        value_set_text(&search, "phone", snapshot->texts->phone_key);
        value_set_text(&search, "email", snapshot->texts->email_key);
        if (!search.count && !snapshot->candidate_count)
            return false;
        value_set(&open, "search", search);
        value_set(&open, "candidates", candidates_value(snapshot, arena));
    }
    *out = open;
    return true;
}

static void set_people(struct value *data, const struct snapshot *snapshot, struct arena *arena)
{
    struct value open;
    if (snapshot->texts) {
        value_set(data, "from", party_value(snapshot, arena));
        value_set_text(data, "to", snapshot->texts->recipient);
        value_set_text(data, "subject", snapshot->texts->title);
    }
    if (!uuid_is_nil(&snapshot->fact.id))
        value_set(data, "customer", customer_value(&snapshot->fact, arena));
    value_set(data, "screen",
              value_string(snapshot->channel == CHANNEL_CALL ? SLICE("script") : SLICE("ticket")));
    if (snapshot->texts && open_value(&open, snapshot, arena))
        value_set(data, "open", open);
}

static struct value snapshot_data(const struct snapshot *snapshot, struct arena *arena)
{
    struct value data = value_map(arena, 20);
    value_set_uuid(&data, arena, "interaction", &snapshot->interaction);
    value_set(&data, "channel", name_value(channel_name(snapshot->channel)));
    if (snapshot->outbound)
        value_set(&data, "direction", value_string(SLICE("outbound")));
    set_snapshot(&data, snapshot, arena);
    set_people(&data, snapshot, arena);
    return data;
}

struct value decision_command_answer(const struct outcome *outcome, struct arena *arena)
{
    struct value answer;
    if (outcome->snapshot) {
        answer = snapshot_data(outcome->snapshot, arena);
        value_set(&answer, "state", name_value(interaction_state_name(outcome->snapshot->state)));
        value_set(&answer, "outcome", name_value(event_outcome_name(outcome->outcome)));
    } else {
        answer = value_map(arena, 4);
        value_set_text(&answer, "agent", arena_copy(arena, outcome->agent));
        if (outcome->agent.len)
            value_set(&answer, "state", name_value(agent_state_name(outcome->state)));
    }
    value_set(&answer, "sequence", value_string(sequence_text(outcome->seq, arena)));
    return answer;
}

static struct value presence_data(const struct announcement *announcement, struct arena *arena)
{
    struct value data = value_map(arena, 3);
    value_set_text(&data, "agent", announcement->agent);
    value_set(&data, "state", name_value(agent_state_name(announcement->state)));
    value_set_text(&data, "reason", announcement->cause);
    return data;
}

/* Its request may go first. Several may write in a thread of mail, strangers too: none speaks as another. */
static void set_message(struct value *data, const struct outcome *outcome, enum channel channel,
                        struct arena *arena)
{
    value_set_text(data, "text", arena_copy(arena, outcome->text));
    if (outcome->attributes.kind == VALUE_MAP && outcome->attributes.count)
        value_set(data, "attributes", value_copy(&outcome->attributes, arena));
    if (channel != CHANNEL_EMAIL || !outcome->author.email.len)
        return;
    struct value author = value_map(arena, 2);
    value_set_text(&author, "email", arena_copy(arena, outcome->author.email));
    value_set_text(&author, "name", arena_copy(arena, outcome->author.name));
    value_set(data, "author", author);
}

struct value decision_announcement(const struct outcome *outcome, const struct announcement *announcement,
                                   uint32_t n, struct slice project, bool with_agentsequence,
                                   struct arena *arena)
{
    struct value event = value_map(arena, 10), data;
    const struct snapshot *snapshot = announcement->snapshot;
    struct slice sequence = sequence_text(outcome->seq, arena);
    if (snapshot) {
        data = snapshot_data(snapshot, arena);
        /* Of work that is nobody's any more: whose it was. */
        if (!snapshot->agent.len)
            value_set_text(&data, "agent", announcement->agent);
        value_set_text(
            &data, "cause",
            arena_copy(arena, announcement_cause(outcome, announcement->type, announcement->cause)));
        if (announcement->type == ANNOUNCE_MESSAGE)
            set_message(&data, outcome, snapshot->channel, arena);
    } else {
        data = presence_data(announcement, arena);
    }
    value_set(&event, "specversion", value_string(SLICE("1.0")));
    value_set(&event, "id", value_string(arena_format(arena, "%.*s.%u", (int)sequence.len, sequence.ptr, n)));
    value_set(&event, "source",
              value_string(arena_format(arena, "/projects/%.*s", (int)project.len, project.ptr)));
    value_set(&event, "type", name_value(announcement_type_name(announcement->type)));
    if (snapshot)
        value_set_uuid(&event, arena, "subject", &snapshot->interaction);
    else
        value_set_text(&event, "subject", announcement->agent);
    value_set(&event, "time", value_string(time_write(outcome->at_ms, arena)));
    value_set(&event, "sequence", value_string(sequence));
    if (with_agentsequence)
        value_set(&event, "agentsequence", value_string(sequence_text(announcement->agentsequence, arena)));
    value_set(&event, "datacontenttype", value_string(SLICE("application/json")));
    value_set(&event, "data", data);
    return event;
}

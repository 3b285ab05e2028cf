#include "proto/ami_calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/callerid.h"
#include "rules/table.h"

#define STATE_RING 4 /* enum ast_channel_state */
#define STATE_UP 6
#define CAUSES_MAX 128 /* ITU-T Q.850 */

struct text {
    size_t len;
    char bytes[AMI_NAME_MAX];
};

struct ami_call;

struct ami_channel {
    struct table_node by_id;
    struct ami_channel *prev, *next; /* of its call */
    struct ami_channel *prev_all, *next_all;
    struct ami_call *call;
    bool is_real, is_up, is_seen;
    unsigned state;
    int64_t since_ms; /* TIME_NEVER: not known */
    struct text id, name, number, caller, exten, context;
};

struct ami_call {
    struct table_node by_id;
    struct ami_call *prev, *next;
    struct ami_channel channels; /* ring; only its links are used */
    uint32_t real;
    struct ami_channel *caller; /* the channel that it came in on; NULL: it has hung up, or was never known */
    bool is_asked, has_begun, is_answered, is_early, /* early: answered before the question was */
        is_abandoned, is_withheld, is_foreign;
    unsigned cause;
    struct text id, queue, early, announced; /* announced: who was last said to have answered */
};

struct ami_calls {
    struct ami_calls_options options;
    struct table channels_by_id, calls_by_id;
    struct ami_channel channels; /* ring */
    struct ami_call calls;       /* ring */
    bool is_resyncing;
    int64_t now_ms;
};

static void copy(struct text *out, struct slice text)
{
    out->len = text.len < sizeof out->bytes ? text.len : sizeof out->bytes;
    if (out->len)
        memcpy(out->bytes, text.ptr, out->len);
}

static struct slice of(const struct text *text)
{
    return (struct slice){text->bytes, text->len};
}

static bool is_none(struct slice text)
{
    return !text.len || slice_is(text, "<unknown>") || slice_is(text, "<none>");
}

/* --- finding --- */

static struct ami_channel *find_channel(const struct ami_calls *calls, struct slice id)
{
    struct table_node *node = table_find(&calls->channels_by_id, id);
    return node ? node->owner : NULL;
}

static struct ami_call *find_call(const struct ami_calls *calls, struct slice id)
{
    struct table_node *node = table_find(&calls->calls_by_id, id);
    return node ? node->owner : NULL;
}

/* Not a telephone, but something that Asterisk makes for itself. */
static bool is_real(struct slice name)
{
    static const char *const ours[] = {"local/",    "asyncgoto/",    "surrogate/",  "announcer/",
                                       "recorder/", "cbann/",        "cbrec/",      "snoop/",
                                       "message/",  "multicastrtp/", "unicastrtp/", "bridge/"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (ascii_begins(name, ours[i]))
            return false;
    }
    return true;
}

/* "PJSIP/1001-0000000a" and "Local/1001@agents-0000;1" give 1001; "PJSIP/desk-1" with is_channel false gives
 * desk-1: an interface has no suffix. */
static struct slice extension_of(struct slice name, bool is_channel)
{
    size_t start = ascii_find(name, '/');
    struct slice rest = ascii_part(name, start < name.len ? start + 1 : 0, name.len);
    size_t at = ascii_find(rest, '@'), slash = ascii_find(rest, '/');
    if (at == rest.len && is_channel) {
        while (at > 0 && rest.ptr[at - 1] != '-')
            at--;
        at = at ? at - 1 : rest.len;
    }
    return ascii_part(rest, 0, at < slash ? at : slash);
}

static struct slice agent_at(const struct ami_calls *calls, struct slice extension)
{
    if (!calls->options.agent_at || !extension.len)
        return (struct slice){NULL, 0};
    return calls->options.agent_at(calls->options.ctx, extension);
}

static bool is_context_good(const struct ami_calls *calls, struct slice context)
{
    for (uint32_t i = 0; i < calls->options.context_count; i++) {
        if (slice_equal(calls->options.contexts[i], context))
            return true;
    }
    return !calls->options.context_count;
}

/* Wherever the dialplan, or a redirect, has led it since it began. */
static bool is_open(const struct ami_calls *calls, const struct ami_call *call)
{
    return calls->options.is_open && calls->options.is_open(calls->options.ctx, of(&call->id));
}

/* --- news --- */

static void say(struct ami_calls *calls, const struct ami_news *news)
{
    calls->options.on_news(calls->options.ctx, news);
}

static bool is_withheld(const struct ami_call *call, struct slice number)
{
    struct callerid id;
    if (call->is_withheld || is_none(number))
        return true;
    callerid_classify(&id, number, false);
    return id.class == CALLER_ANONYMOUS;
}

static void say_answered(struct ami_calls *calls, struct ami_call *call, struct slice agent);

/* What is asked has been answered, or is not waited for any longer. */
static void say_ringing(struct ami_calls *calls, struct ami_call *call)
{
    const struct ami_channel *caller = call->caller;
    if (!call->is_asked)
        return;
    call->is_asked = false;
    call->has_begun = true;
    struct slice number = of(&caller->number), name = of(&caller->caller);
    say(calls, &(struct ami_news){.type = EVENT_CALL_RINGING,
                                  .call = of(&call->id),
                                  .number = is_none(number) ? SLICE("anonymous") : number,
                                  .name = is_none(name) ? (struct slice){NULL, 0} : name,
                                  .to = of(&caller->exten),
                                  .context = of(&caller->context),
                                  .channel = of(&caller->name),
                                  .is_withheld = is_withheld(call, number),
                                  .at_ms = caller->since_ms});
    if (call->is_early)
        say_answered(calls, call, of(&call->early));
    call->is_early = false;
}

static void say_answered(struct ami_calls *calls, struct ami_call *call, struct slice agent)
{
    if (call->is_asked) {
        call->is_early = true;
        copy(&call->early, agent);
        return;
    }
    if (!call->has_begun || (call->is_answered && (!agent.len || slice_equal(of(&call->announced), agent))))
        return;
    call->is_answered = true;
    copy(&call->announced, agent);
    say(calls, &(struct ami_news){.type = EVENT_CALL_ANSWERED,
                                  .call = of(&call->id),
                                  .agent = agent,
                                  .queue = of(&call->queue),
                                  .at_ms = calls->now_ms});
}

/* The causes of ITU-T Q.850 that people ask for; 0 is what Asterisk says where no cause was given. */
static const char *cause_name(unsigned cause)
{
    static const char *const names[CAUSES_MAX] = {[0] = "normal",
                                                  [1] = "unallocated_number",
                                                  [3] = "no_route",
                                                  [16] = "normal",
                                                  [17] = "busy",
                                                  [18] = "no_answer",
                                                  [19] = "no_answer",
                                                  [20] = "absent",
                                                  [21] = "rejected",
                                                  [22] = "number_changed",
                                                  [26] = "answered_elsewhere",
                                                  [27] = "out_of_order",
                                                  [28] = "invalid_number",
                                                  [31] = "normal",
                                                  [34] = "congestion",
                                                  [38] = "out_of_order",
                                                  [42] = "congestion",
                                                  [58] = "not_available",
                                                  [88] = "incompatible",
                                                  [102] = "timeout",
                                                  [127] = "interworking"};
    return cause < CAUSES_MAX && names[cause] ? names[cause] : "other";
}

static void say_ended(struct ami_calls *calls, struct ami_call *call, const char *cause)
{
    if (!call->has_begun)
        return;
    call->has_begun = false;
    say(calls, &(struct ami_news){.type = EVENT_CALL_ENDED,
                                  .call = of(&call->id),
                                  .queue = of(&call->queue),
                                  .cause = cause,
                                  .at_ms = calls->now_ms});
}

/* --- calls and channels --- */

static struct ami_call *add_call(struct ami_calls *calls, struct slice id)
{
    if (calls->calls_by_id.count == AMI_CALLS_MAX)
        return NULL;
    struct ami_call *call = calloc(1, sizeof *call);
    if (!call)
        abort();
    copy(&call->id, id);
    call->channels.prev = call->channels.next = &call->channels;
    call->by_id.owner = call;
    table_insert(&calls->calls_by_id, &call->by_id, of(&call->id));
    call->prev = &calls->calls;
    call->next = calls->calls.next;
    call->prev->next = call->next->prev = call;
    return call;
}

static void drop_call(struct ami_calls *calls, struct ami_call *call)
{
    table_remove(&calls->calls_by_id, &call->by_id);
    call->prev->next = call->next;
    call->next->prev = call->prev;
    free(call);
}

static void join(struct ami_channel *channel, struct ami_call *call)
{
    channel->call = call;
    channel->prev = call->channels.prev;
    channel->next = &call->channels;
    channel->prev->next = channel->next->prev = channel;
    call->real += channel->is_real;
}

/* The call ends with its last real channel; its memory goes with the last of all. */
static void leave(struct ami_calls *calls, struct ami_channel *channel, const char *cause)
{
    struct ami_call *call = channel->call;
    if (call->caller == channel && call->is_asked) {
        call->is_withheld = true; /* nobody could say that it is not */
        say_ringing(calls, call);
    }
    channel->prev->next = channel->next;
    channel->next->prev = channel->prev;
    channel->call = NULL;
    call->real -= channel->is_real;
    if (call->caller == channel)
        call->caller = NULL;
    if (channel->is_real && call->real == 0)
        say_ended(calls, call, cause);
    if (call->channels.next == &call->channels)
        drop_call(calls, call);
}

static void drop_channel(struct ami_calls *calls, struct ami_channel *channel, const char *cause)
{
    leave(calls, channel, cause);
    table_remove(&calls->channels_by_id, &channel->by_id);
    channel->prev_all->next_all = channel->next_all;
    channel->next_all->prev_all = channel->prev_all;
    free(channel);
}

/* Calls of agents' own telephones are not begun, and what is not begun says nothing. */
static void begin(struct ami_calls *calls, struct ami_call *call, struct ami_channel *channel)
{
    if (call->has_begun || call->is_asked || call->is_foreign || !channel->is_real)
        return;
    if (agent_at(calls, extension_of(of(&channel->name), true)).len ||
        (!is_context_good(calls, of(&channel->context)) && !is_open(calls, call))) {
        call->is_foreign = true;
        return;
    }
    call->caller = channel;
    call->is_asked = true;
    if (calls->options.ask_presentation && !call->is_withheld)
        calls->options.ask_presentation(calls->options.ctx, of(&channel->name), of(&call->id));
    else
        say_ringing(calls, call);
}

static unsigned number_of(struct slice text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.len && ascii_is_digit(text.ptr[i]) && number < 100000; i++)
        number = number * 10 + (unsigned)(text.ptr[i] - '0');
    return number;
}

/* "prohib_not_screened", "prohib", "unavailable"; or with its number before: "32 (Presentation
 * Prohibited...". */
static bool hides(struct slice presentation)
{
    unsigned number = number_of(presentation);
    return ascii_begins(presentation, "prohib") || ascii_begins(presentation, "unavailable") ||
           (number & 0x60) == 0x20 || (number & 0x60) == 0x40;
}

static struct ami_channel *add_channel(struct ami_calls *calls, const struct ami_block *block,
                                       struct slice id, struct slice linked)
{
    struct ami_call *call = find_call(calls, linked);
    bool is_known;
    if (calls->channels_by_id.count == AMI_CHANNELS_MAX)
        return NULL;
    if (!call)
        call = add_call(calls, linked);
    if (!call)
        return NULL;
    struct ami_channel *channel = calloc(1, sizeof *channel);
    if (!channel)
        abort();
    copy(&channel->id, id);
    copy(&channel->name, ami_find(block, "channel"));
    copy(&channel->number, ami_find(block, "calleridnum"));
    copy(&channel->caller, ami_find(block, "calleridname"));
    copy(&channel->exten, ami_find(block, "exten"));
    copy(&channel->context, ami_find(block, "context"));
    channel->is_real = is_real(of(&channel->name));
    channel->since_ms = calls->now_ms;
    channel->by_id.owner = channel;
    table_insert(&calls->channels_by_id, &channel->by_id, of(&channel->id));
    channel->prev_all = &calls->channels;
    channel->next_all = calls->channels.next_all;
    channel->prev_all->next_all = channel->next_all->prev_all = channel;
    join(channel, call);
    call->is_withheld |= hides(ami_channel_variable(block, "CALLERID(pres)", &is_known));
    return channel;
}

/* --- events --- */

static void follow(struct ami_calls *calls, struct ami_channel *channel, struct slice linked)
{
    struct ami_call *other =
        linked.len && !slice_equal(of(&channel->call->id), linked) ? find_call(calls, linked) : NULL;
    if (!other)
        return;
    leave(calls, channel, "merged");
    join(channel, other);
    if (!other->caller && channel->is_real && other->has_begun)
        other->caller = channel;
}

static void on_state(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    channel->state = number_of(ami_find(block, "channelstate"));
    if (channel->state == STATE_RING && slice_equal(of(&channel->id), of(&channel->call->id))) {
        if (!channel->exten.len)
            copy(&channel->exten, ami_find(block, "exten"));
        begin(calls, channel->call, channel);
    }
    if (channel->state == STATE_UP && channel->call->caller == channel)
        say_answered(calls, channel->call, (struct slice){NULL, 0});
}

/* Asterisk's own queue has found somebody: by the map, else as the queue names the telephone. */
static void on_agent(struct ami_calls *calls, struct ami_call *call, const struct ami_block *block)
{
    struct slice extension = extension_of(ami_find(block, "interface"), false);
    struct slice agent = agent_at(calls, extension);
    copy(&call->queue, ami_find(block, "queue"));
    call->is_abandoned = false;
    say_answered(calls, call, agent.len ? agent : extension);
}

static void on_hangup(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block)
{
    struct ami_call *call = channel->call;
    if (channel == call->caller || (!call->caller && !call->cause))
        call->cause = number_of(ami_find(block, "cause"));
    const char *cause = cause_name(call->cause);
    if (call->is_abandoned && strcmp(cause, "normal") == 0)
        cause = "abandoned";
    drop_channel(calls, channel, cause);
}

static void on_dialled(struct ami_calls *calls, struct ami_call *call, const struct ami_block *block)
{
    struct slice agent = agent_at(calls, extension_of(ami_find(block, "destchannel"), true));
    if (agent.len && ami_is(block, "dialstatus", "answer"))
        say_answered(calls, call, agent);
}

static void on_channel(struct ami_calls *calls, struct slice event, struct ami_channel *channel,
                       const struct ami_block *block)
{
    struct ami_call *call = channel->call;
    if (ascii_equal(event, "newstate")) {
        on_state(calls, channel, block);
    } else if (ascii_equal(event, "hangup")) {
        on_hangup(calls, channel, block);
    } else if (ascii_equal(event, "rename")) {
        copy(&channel->name, ami_find(block, "newname"));
    } else if (ascii_equal(event, "newcallerid")) {
        if (channel == call->caller)
            call->is_withheld |= hides(ami_find(block, "cid-callingpres"));
    } else if (ascii_equal(event, "queuecallerjoin")) {
        copy(&call->queue, ami_find(block, "queue"));
    } else if (ascii_equal(event, "queuecallerabandon")) {
        call->is_abandoned = true;
    } else if (ascii_equal(event, "agentconnect")) {
        on_agent(calls, call, block);
    } else if (ascii_equal(event, "dialend")) {
        on_dialled(calls, call, block);
    } else if (ascii_equal(event, "bridgeenter") && channel->is_real) {
        struct slice agent = agent_at(calls, extension_of(of(&channel->name), true));
        if (agent.len)
            say_answered(calls, call, agent);
    }
}

/* --- what there is, after a connection --- */

/* "00:01:40" */
static int64_t duration_ms(struct slice text)
{
    int64_t seconds = 0;
    while (text.len) {
        size_t colon = ascii_find(text, ':');
        seconds = seconds * 60 + number_of(ascii_part(text, 0, colon));
        text = ascii_part(text, colon < text.len ? colon + 1 : colon, text.len);
    }
    return seconds * 1000;
}

static void on_listed(struct ami_calls *calls, const struct ami_block *block, struct slice id,
                      struct slice linked)
{
    struct ami_channel *channel = find_channel(calls, id);
    if (!channel)
        channel = add_channel(calls, block, id, linked);
    else
        follow(calls, channel, linked);
    if (!channel)
        return;
    channel->is_seen = true;
    channel->state = number_of(ami_find(block, "channelstate"));
    if (!channel->call->has_begun && calls->now_ms != TIME_NEVER)
        channel->since_ms = calls->now_ms - duration_ms(ami_find(block, "duration"));
}

/* The channel that the call is named after came first; where it is gone, the first that is no agent's. */
static struct ami_channel *first_of(const struct ami_calls *calls, const struct ami_call *call)
{
    struct ami_channel *first = find_channel(calls, of(&call->id));
    if (first && first->call == call)
        return first;
    for (struct ami_channel *at = call->channels.next; at != &call->channels; at = at->next) {
        if (at->is_real && !agent_at(calls, extension_of(of(&at->name), true)).len)
            return at;
    }
    return NULL;
}

static void begin_listed(struct ami_calls *calls, struct ami_call *call)
{
    struct ami_channel *first = first_of(calls, call);
    if (!first || (first->state != STATE_RING && first->state != STATE_UP))
        return;
    begin(calls, call, first);
    if (first->state == STATE_UP && call->caller == first)
        say_answered(calls, call, (struct slice){NULL, 0});
    for (const struct ami_channel *at = call->channels.next; at != &call->channels; at = at->next) {
        struct slice agent = agent_at(calls, extension_of(of(&at->name), true));
        if (at->is_real && at->state == STATE_UP && agent.len)
            say_answered(calls, call, agent);
    }
}

static void finish_resync(struct ami_calls *calls)
{
    struct ami_channel *next;
    calls->is_resyncing = false;
    for (struct ami_channel *at = calls->channels.next_all; at != &calls->channels; at = next) {
        next = at->next_all;
        if (!at->is_seen)
            drop_channel(calls, at, "lost");
    }
    for (struct ami_call *at = calls->calls.next; at != &calls->calls; at = at->next) {
        if (at->is_asked) /* the answer went with the connection */
            calls->options.ask_presentation(calls->options.ctx, of(&at->caller->name), of(&at->id));
        else if (!at->has_begun)
            begin_listed(calls, at);
    }
}

void ami_calls_resync(struct ami_calls *calls)
{
    calls->is_resyncing = true;
    for (struct ami_channel *at = calls->channels.next_all; at != &calls->channels; at = at->next_all)
        at->is_seen = false;
}

/* --- reading --- */

static void on_presentation(struct ami_calls *calls, struct slice action, const struct ami_block *block)
{
    size_t len = sizeof AMI_PRESENTATION_ID - 1;
    if (!ascii_begins(action, AMI_PRESENTATION_ID))
        return;
    struct ami_call *call = find_call(calls, ascii_part(action, len, action.len));
    if (!call || !call->is_asked || !call->caller)
        return;
    if (ami_is(block, "response", "success"))
        call->is_withheld |= hides(ami_find(block, "value"));
    else
        call->is_withheld |= ami_is(block, "message", "no such channel");
    say_ringing(calls, call);
}

/* "1795295975.048161" */
static int64_t timestamp_ms(struct slice text)
{
    int64_t ms = 0;
    size_t dot = ascii_find(text, '.');
    if (!dot || dot > 10)
        return TIME_NEVER;
    for (size_t i = 0; i < dot + 4; i++) {
        char c = i == dot ? '0' : i < text.len ? text.ptr[i] : '0';
        if (!ascii_is_digit(c))
            return TIME_NEVER;
        if (i != dot)
            ms = ms * 10 + (c - '0');
    }
    return ms;
}

void ami_calls_read(struct ami_calls *calls, const struct ami_block *block, int64_t now_ms)
{
    struct slice event = ami_find(block, "event"), id = ami_find(block, "uniqueid");
    struct slice linked = ami_find(block, "linkedid");
    calls->now_ms = now_ms != TIME_NEVER ? now_ms : timestamp_ms(ami_find(block, "timestamp"));
    if (!event.len) {
        on_presentation(calls, ami_find(block, "actionid"), block);
        return;
    }
    if (ascii_equal(event, "coreshowchannelscomplete")) {
        if (calls->is_resyncing)
            finish_resync(calls);
        return;
    }
    if (!id.len || !linked.len || id.len > AMI_ID_MAX || linked.len > AMI_ID_MAX)
        return;
    if (ascii_equal(event, "coreshowchannel")) {
        if (calls->is_resyncing)
            on_listed(calls, block, id, linked);
        return;
    }
    struct ami_channel *channel = find_channel(calls, id);
    if (!channel && ascii_equal(event, "newchannel") && (channel = add_channel(calls, block, id, linked)))
        on_state(calls, channel, block);
    if (!channel)
        return;
    channel->is_seen = true;
    follow(calls, channel, linked);
    on_channel(calls, event, channel, block);
}

/* --- the whole --- */

struct ami_calls *ami_calls_alloc(const struct ami_calls_options *options)
{
    struct ami_calls *calls = calloc(1, sizeof *calls);
    if (!calls)
        abort();
    calls->options = *options;
    table_init(&calls->channels_by_id);
    table_init(&calls->calls_by_id);
    calls->channels.prev_all = calls->channels.next_all = &calls->channels;
    calls->calls.prev = calls->calls.next = &calls->calls;
    return calls;
}

void ami_calls_free(struct ami_calls **owner)
{
    struct ami_calls *calls = *owner;
    *owner = NULL;
    if (!calls)
        return;
    while (calls->channels.next_all != &calls->channels) {
        struct ami_channel *channel = calls->channels.next_all;
        calls->channels.next_all = channel->next_all;
        free(channel);
    }
    while (calls->calls.next != &calls->calls) {
        struct ami_call *call = calls->calls.next;
        calls->calls.next = call->next;
        free(call);
    }
    table_deinit(&calls->channels_by_id);
    table_deinit(&calls->calls_by_id);
    free(calls);
}

bool ami_calls_has(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = find_call(calls, id);
    return call && (call->has_begun || call->is_asked);
}

struct slice ami_calls_channel(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = find_call(calls, id);
    return call && call->caller ? of(&call->caller->name) : (struct slice){NULL, 0};
}

struct slice ami_calls_agent(const struct ami_calls *calls, struct slice id)
{
    const struct ami_call *call = find_call(calls, id);
    return call ? of(&call->announced) : (struct slice){NULL, 0};
}

uint32_t ami_calls_count(const struct ami_calls *calls)
{
    return calls->calls_by_id.count;
}

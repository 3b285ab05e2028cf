/* What is done with calls, until FreeSWITCH has confirmed that it heard of it: what was ordered while no
 * connection was there, or was not confirmed on the last one, is sent on the next if it still makes sense. */
#include <stdlib.h>
#include <string.h>

#include "rules/core.h"
#include "server/freeswitch.h"
#include "server/gateway_freeswitch.h"
#include "server/project.h"

struct freeswitch_order {
    struct freeswitch_order *next;
    struct uuid interaction;   /* whose call goes to its agent */
    char call[ESL_ID_MAX + 1]; /* not empty: the call is hung up instead */
    struct gateway_link *link; /* that it was sent on; NULL: it waits for one */
    bool is_late;              /* it could not be sent at once, or was lost */
    struct slice agent;        /* for whom it was given */
    struct slice partner;      /* the agent who talked when it was given, and handed the call on */
    struct slice before;       /* for whom an earlier order for it was; all live as long as the gateway */
};

static void drop(struct freeswitch *freeswitch, struct freeswitch_order **at)
{
    struct freeswitch_order *order = *at;
    *at = order->next;
    free(order);
    freeswitch->order_count--;
}

/* The connection that has the call: the only one, or the call's own. NULL: none that is ready. */
static struct gateway_link *link_to(const struct freeswitch *freeswitch, struct slice call)
{
    bool is_calls_own = gateway_config(freeswitch->gateway)->listens;
    for (const struct freeswitch_session *at = freeswitch->sessions; at; at = at->next) {
        if (at->is_synced && !gateway_link_is_cut(at->link) && (!is_calls_own || slice_is(call, at->call)))
            return at->link;
    }
    return NULL;
}

static const struct interaction *find(const struct core *core, const struct freeswitch *freeswitch,
                                      const struct freeswitch_order *order)
{
    const struct interaction *found = core ? core_find_interaction(core, &order->interaction) : NULL;
    bool is_ours = found && !found->outbound && found->data.state == INTERACTION_ACTIVE &&
                   found->data.agent >= 0 &&
                   slice_equal(found->texts.source, gateway_source(freeswitch->gateway)) &&
                   esl_id_is_plain(found->texts.subject);
    return is_ours ? found : NULL;
}

static bool take_link(const struct freeswitch *freeswitch, struct freeswitch_order *order, struct slice call)
{
    order->link = link_to(freeswitch, call);
    order->is_late |= !order->link;
    return order->link;
}

/* A call's own connection does not come back. */
static bool may_wait(const struct freeswitch *freeswitch)
{
    return !gateway_config(freeswitch->gateway)->listens;
}

/* An earlier order may have been carried out, or not. */
static bool was_with(const struct freeswitch_order *order, struct slice partner)
{
    return partner.len && (slice_equal(order->partner, partner) || slice_equal(order->before, partner));
}

/* The call goes to the extension of the agent who took it, unless it is there already; a late order is for a
 * call that talks with nobody, or still with an agent who handed it on. */
static bool makes_sense(const struct freeswitch *freeswitch, const struct freeswitch_order *order,
                        struct slice call, struct slice agent)
{
    const struct esl_calls *calls = freeswitch->calls;
    if (!order->is_late)
        return !esl_calls_is_with(calls, call, agent);
    bool is_free = !esl_calls_is_bridged(calls, call) || was_with(order, esl_calls_partner(calls, call));
    return esl_calls_has(calls, call) && !esl_calls_is_with(calls, call, agent) && is_free;
}

static void write_transfer(struct gateway_link *link, struct slice call, struct slice extension,
                           struct slice context)
{
    struct arena arena;
    arena_init(&arena);
    gateway_link_write(link, arena_format(&arena, "bgapi uuid_transfer %.*s %.*s XML %.*s\n\n", (int)call.len,
                                          call.ptr, (int)extension.len, extension.ptr, (int)context.len,
                                          context.ptr));
    arena_deinit(&arena);
}

/* Each of the two: false, nothing is to be sent, now or later. */
static bool send_transfer(const struct freeswitch *freeswitch, struct freeswitch_order *order)
{
    const struct gateway *gateway = freeswitch->gateway;
    const struct core *core = project_core(gateway_project(gateway));
    const struct interaction *found = find(core, freeswitch, order);
    if (!found)
        return false;
    struct slice call = found->texts.subject, agent = core->agents[found->data.agent].name;
    struct slice extension = gateway_extension_of(gateway, agent);
    if (!extension.len)
        return false;
    if (!take_link(freeswitch, order, call))
        return may_wait(freeswitch);
    if (!makes_sense(freeswitch, order, call, agent)) {
        order->link = NULL;
        return false;
    }
    write_transfer(order->link, call, extension, gateway_config(gateway)->redirect);
    return true;
}

static bool send_hang_up(const struct freeswitch *freeswitch, struct freeswitch_order *order)
{
    struct arena arena;
    if (!take_link(freeswitch, order, slice_of(order->call)))
        return may_wait(freeswitch);
    if (!esl_calls_has(freeswitch->calls, slice_of(order->call)))
        return false;
    arena_init(&arena);
    gateway_link_write(order->link,
                       arena_format(&arena, "bgapi uuid_kill %s CALL_REJECTED\n\n", order->call));
    arena_deinit(&arena);
    return true;
}

static bool send_order(const struct freeswitch *freeswitch, struct freeswitch_order *order)
{
    return order->call[0] ? send_hang_up(freeswitch, order) : send_transfer(freeswitch, order);
}

void freeswitch_orders_send(struct freeswitch *freeswitch)
{
    struct freeswitch_order **at = &freeswitch->orders;
    while (*at) {
        if ((*at)->link || send_order(freeswitch, *at))
            at = &(*at)->next;
        else
            drop(freeswitch, at);
    }
}

/* --- several of one call: whoever has it when one is sent is who it is about --- */

static bool is_same(const struct freeswitch_order *a, const struct freeswitch_order *b)
{
    return uuid_equal(&a->interaction, &b->interaction) && strcmp(a->call, b->call) == 0;
}

static void take_place_of(struct freeswitch_order *later, const struct freeswitch_order *earlier)
{
    if (!later->partner.len)
        later->partner = earlier->partner;
    later->before = earlier->agent;
}

static struct freeswitch_order *find_waiting(const struct freeswitch *freeswitch,
                                             const struct freeswitch_order *order)
{
    struct freeswitch_order *at = freeswitch->orders;
    while (at && (at->link || !is_same(at, order)))
        at = at->next;
    return at;
}

static struct freeswitch_order *find_later(const struct freeswitch_order *order)
{
    struct freeswitch_order *at = order->next;
    while (at && !is_same(at, order))
        at = at->next;
    return at;
}

static void add(struct freeswitch *freeswitch, const struct freeswitch_order *order)
{
    struct freeswitch_order **end = &freeswitch->orders, *copy, *waiting = find_waiting(freeswitch, order);
    if (waiting) {
        struct freeswitch_order later = *order;
        take_place_of(&later, waiting);
        waiting->partner = later.partner;
        waiting->before = later.before;
        waiting->agent = later.agent;
        return;
    }
    if (freeswitch->order_count == FREESWITCH_ORDERS_MAX) {
        gateway_give_up_order(freeswitch->gateway);
        return;
    }
    while (*end)
        end = &(*end)->next;
    copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = *order;
    *end = copy;
    freeswitch->order_count++;
    freeswitch_orders_send(freeswitch);
}

void freeswitch_orders_transfer(struct freeswitch *freeswitch, const struct uuid *interaction)
{
    struct freeswitch_order order = {.interaction = *interaction};
    const struct core *core = project_core(gateway_project(freeswitch->gateway));
    const struct interaction *found = find(core, freeswitch, &order);
    if (!found)
        return;
    struct slice extension = gateway_extension_of(freeswitch->gateway, core->agents[found->data.agent].name);
    order.agent = gateway_agent_at(freeswitch->gateway, extension);
    order.partner = esl_calls_partner(freeswitch->calls, found->texts.subject);
    add(freeswitch, &order);
}

void freeswitch_orders_hang_up(struct freeswitch *freeswitch, struct slice call)
{
    struct freeswitch_order order = {.next = NULL};
    if (!esl_id_is_plain(call))
        return;
    for (size_t i = 0; i < call.len; i++)
        order.call[i] = call.ptr[i];
    add(freeswitch, &order);
}

void freeswitch_orders_confirm(struct freeswitch *freeswitch, const struct gateway_link *link)
{
    struct freeswitch_order **at = &freeswitch->orders;
    while (*at && (*at)->link != link)
        at = &(*at)->next;
    if (*at)
        drop(freeswitch, at);
}

/* False: nothing of it is left to be sent, for the later of two of one call counts. */
static bool wait_again(const struct freeswitch *freeswitch, struct freeswitch_order *order)
{
    struct freeswitch_order *later = find_later(order);
    if (later)
        take_place_of(later, order);
    order->link = NULL;
    order->is_late = true;
    return !later && may_wait(freeswitch);
}

void freeswitch_orders_forget_link(struct freeswitch *freeswitch, const struct gateway_link *link)
{
    struct freeswitch_order **at = &freeswitch->orders;
    while (*at) {
        if ((*at)->link != link || wait_again(freeswitch, *at))
            at = &(*at)->next;
        else
            drop(freeswitch, at);
    }
}

void freeswitch_orders_deinit(struct freeswitch *freeswitch)
{
    while (freeswitch->orders)
        drop(freeswitch, &freeswitch->orders);
}

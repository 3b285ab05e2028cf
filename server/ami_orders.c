#include "server/ami_orders.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/core.h"
#include "server/gateway_calls.h"
#include "server/project.h"

#define CAUSE_REJECTED "21" /* ITU-T Q.850 */
#define ID_BEGINS "order:"  /* an ActionID, before the number of what is sent */
#define ID_SIZE (sizeof ID_BEGINS + 20)

struct order {
    struct order *next;
    enum ami_order_kind kind;
    uint64_t sent;    /* its number, while its answer is due; 0: it waits */
    bool is_repeated; /* it was sent, and the connection went before it was answered */
    size_t len;
    char call[AMI_ID_MAX];
};

struct ami_orders {
    struct gateway *gateway;
    const struct ami_calls *calls;
    struct order *first; /* as they were given */
    uint32_t count, sent;
    uint64_t last; /* number */
};

struct ami_orders *ami_orders_alloc(struct gateway *gateway, const struct ami_calls *calls)
{
    struct ami_orders *orders = calloc(1, sizeof *orders);
    if (!orders)
        abort();
    orders->gateway = gateway;
    orders->calls = calls;
    return orders;
}

static void drop(struct ami_orders *orders, struct order **at)
{
    struct order *order = *at;
    *at = order->next;
    orders->count--;
    orders->sent -= order->sent > 0;
    free(order);
}

void ami_orders_free(struct ami_orders **owner)
{
    struct ami_orders *orders = *owner;
    *owner = NULL;
    if (!orders)
        return;
    while (orders->first)
        drop(orders, &orders->first);
    free(orders);
}

static struct slice call_of(const struct order *order)
{
    return (struct slice){order->call, order->len};
}

/* --- what is sent --- */

/* Whom Asterisk itself has connected with somebody else is not sent anywhere: with an agent whom the project
 * does not know. One whom it knows had the call before, and has handed it on. */
static bool is_taken(const struct ami_orders *orders, struct slice call, struct slice agent)
{
    const struct core *core = project_core(gateway_project(orders->gateway));
    struct slice talks = ami_calls_agent(orders->calls, call);
    return talks.len && (slice_equal(talks, agent) || !core || !core_find_agent(core, talks));
}

static bool write_redirect(struct ami_action *action, const struct ami_orders *orders,
                           const struct order *order, struct slice id, struct slice channel)
{
    struct slice call = call_of(order), context = gateway_config(orders->gateway)->redirect;
    struct gateway_call found;
    if (!gateway_calls_find(orders->gateway, call, &found) || !found.is_active ||
        is_taken(orders, call, found.agent))
        return false;
    struct slice extension = gateway_extension_of(orders->gateway, found.agent);
    if (!extension.len || (order->is_repeated && ami_calls_was_at(orders->calls, call, context, extension)))
        return false;
    ami_action_begin(action, "Redirect", id);
    ami_action_add(action, "Channel", channel);
    ami_action_add(action, "Context", context);
    ami_action_add(action, "Exten", extension);
    ami_action_add(action, "Priority", SLICE("1"));
    return true;
}

/* False: what has become of the call leaves nothing to be done. */
static bool write_order(struct ami_action *action, const struct ami_orders *orders, const struct order *order,
                        struct slice id)
{
    struct slice channel = ami_calls_channel(orders->calls, call_of(order));
    if (!channel.len)
        return false;
    if (order->kind == AMI_ORDER_REDIRECT)
        return write_redirect(action, orders, order, id, channel);
    ami_action_begin(action, "Hangup", id);
    ami_action_add(action, "Channel", channel);
    ami_action_add(action, "Cause", SLICE(CAUSE_REJECTED));
    return true;
}

static bool send_order(struct ami_orders *orders, struct order *order)
{
    struct ami_action action;
    char id[ID_SIZE];
    int len = snprintf(id, sizeof id, ID_BEGINS "%" PRIu64, orders->last + 1);
    if (!write_order(&action, orders, order, (struct slice){id, (size_t)len}) || action.is_bad)
        return false;
    order->sent = ++orders->last;
    orders->sent++;
    gateway_link_write(gateway_link(orders->gateway), ami_action_end(&action));
    return true;
}

void ami_orders_go_on(struct ami_orders *orders)
{
    struct order **at = &orders->first;
    while (*at && orders->sent < AMI_ORDERS_SENT_MAX && gateway_link(orders->gateway)) {
        struct order *order = *at;
        bool stays =
            order->sent || gateway_is_deciding(orders->gateway, call_of(order)) || send_order(orders, order);
        if (stays)
            at = &order->next;
        else
            drop(orders, at);
    }
}

/* --- what is to be sent --- */

/* The same of the same call, given before: it waits already, or the new one is asked for instead. */
static bool waits(struct ami_orders *orders, enum ami_order_kind kind, struct slice call)
{
    struct order **at = &orders->first;
    while (*at && ((*at)->kind != kind || !slice_equal(call_of(*at), call)))
        at = &(*at)->next;
    if (!*at)
        return false;
    if (!(*at)->sent)
        return true;
    drop(orders, at);
    return false;
}

void ami_orders_give(struct ami_orders *orders, enum ami_order_kind kind, struct slice call)
{
    struct order **tail = &orders->first;
    if (call.len > AMI_ID_MAX || waits(orders, kind, call))
        return;
    if (orders->count == AMI_ORDERS_MAX) {
        gateway_give_up_order(orders->gateway);
        return;
    }
    struct order *order = calloc(1, sizeof *order);
    if (!order)
        abort();
    order->kind = kind;
    memcpy(order->call, call.ptr, order->len = call.len);
    while (*tail)
        tail = &(*tail)->next;
    *tail = order;
    orders->count++;
}

/* --- what becomes of it --- */

/* Asterisk answers in the order in which it was asked: what was sent before is done with, too. */
void ami_orders_on_answer(struct ami_orders *orders, struct slice id)
{
    struct order **at = &orders->first;
    uint64_t number = 0;
    if (!ascii_begins(id, ID_BEGINS))
        return;
    for (size_t i = sizeof ID_BEGINS - 1; i < id.len && i < ID_SIZE && ascii_is_digit(id.ptr[i]); i++)
        number = number * 10 + (uint64_t)(id.ptr[i] - '0');
    while (*at) {
        if ((*at)->sent && (*at)->sent <= number)
            drop(orders, at);
        else
            at = &(*at)->next;
    }
}

void ami_orders_on_connected(struct ami_orders *orders)
{
    for (struct order *at = orders->first; at; at = at->next) {
        at->is_repeated |= at->sent > 0;
        at->sent = 0;
    }
    orders->sent = 0;
}

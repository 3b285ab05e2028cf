#include "server/ami_orders.h"

#include <stdlib.h>
#include <string.h>

#include "server/gateway_calls.h"

#define CAUSE_REJECTED "21" /* ITU-T Q.850 */

struct order {
    struct order *next;
    enum ami_order_kind kind;
    size_t len;
    char call[AMI_ID_MAX];
};

struct ami_orders {
    struct gateway *gateway;
    const struct ami_calls *calls;
    struct order *first, **tail;
    uint32_t count;
};

struct ami_orders *ami_orders_alloc(struct gateway *gateway, const struct ami_calls *calls)
{
    struct ami_orders *orders = calloc(1, sizeof *orders);
    if (!orders)
        abort();
    orders->gateway = gateway;
    orders->calls = calls;
    orders->tail = &orders->first;
    return orders;
}

static struct order *take_first(struct ami_orders *orders)
{
    struct order *order = orders->first;
    if (!order)
        return NULL;
    orders->first = order->next;
    if (!orders->first)
        orders->tail = &orders->first;
    orders->count--;
    return order;
}

void ami_orders_free(struct ami_orders **owner)
{
    struct ami_orders *orders = *owner;
    struct order *order;
    *owner = NULL;
    if (!orders)
        return;
    while ((order = take_first(orders)))
        free(order);
    free(orders);
}

/* Whoever Asterisk itself has connected is not sent anywhere. */
static bool write_redirect(struct ami_action *action, const struct ami_orders *orders, struct slice call,
                           struct slice channel)
{
    struct gateway_call found;
    if (!gateway_calls_find(orders->gateway, call, &found) || !found.is_active ||
        ami_calls_agent(orders->calls, call).len)
        return false;
    struct slice extension = gateway_extension_of(orders->gateway, found.agent);
    if (!extension.len)
        return false;
    ami_action_begin(action, "Redirect", SLICE("redirect"));
    ami_action_add(action, "Channel", channel);
    ami_action_add(action, "Context", gateway_config(orders->gateway)->redirect);
    ami_action_add(action, "Exten", extension);
    ami_action_add(action, "Priority", SLICE("1"));
    return true;
}

static void send_order(const struct ami_orders *orders, enum ami_order_kind kind, struct slice call)
{
    struct gateway_link *link = gateway_link(orders->gateway);
    struct slice channel = ami_calls_channel(orders->calls, call);
    struct ami_action action;
    if (!link || !channel.len)
        return;
    if (kind == AMI_ORDER_HANG_UP) {
        ami_action_begin(&action, "Hangup", SLICE("hangup"));
        ami_action_add(&action, "Channel", channel);
        ami_action_add(&action, "Cause", SLICE(CAUSE_REJECTED));
    } else if (!write_redirect(&action, orders, call, channel)) {
        return;
    }
    gateway_link_write(link, ami_action_end(&action));
}

static bool waits(const struct ami_orders *orders, enum ami_order_kind kind, struct slice call)
{
    for (const struct order *at = orders->first; at; at = at->next) {
        if (at->kind == kind && slice_equal((struct slice){at->call, at->len}, call))
            return true;
    }
    return false;
}

void ami_orders_give(struct ami_orders *orders, enum ami_order_kind kind, struct slice call, bool is_ready)
{
    if (is_ready) {
        send_order(orders, kind, call);
        return;
    }
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
    *orders->tail = order;
    orders->tail = &order->next;
    orders->count++;
}

void ami_orders_send(struct ami_orders *orders)
{
    struct order *order;
    while ((order = take_first(orders))) {
        send_order(orders, order->kind, (struct slice){order->call, order->len});
        free(order);
    }
}

/* What Asterisk is told to do with calls of a gateway: to send one to its agent, to hang one up.
 *
 * An order goes out at once, or waits for the connection to be back and the channels to be listed. What has
 * become of the call by then decides whether it is still sent. */
#ifndef SERVER_AMI_ORDERS_H
#define SERVER_AMI_ORDERS_H

#include "proto/ami_calls.h"
#include "server/gateway.h"

#define AMI_ORDERS_MAX 256 /* that wait; more are given up. All of them fit into GATEWAY_OUTPUT_MAX */

enum ami_order_kind {
    AMI_ORDER_REDIRECT, /* to the extension of the agent who has it, unless Asterisk has connected an agent */
    AMI_ORDER_HANG_UP,  /* as rejected */
};

struct ami_orders;

struct ami_orders *ami_orders_alloc(struct gateway *gateway, const struct ami_calls *calls);
void ami_orders_free(struct ami_orders **orders);
void ami_orders_give(struct ami_orders *orders, enum ami_order_kind kind, struct slice call, bool is_ready);
void ami_orders_send(struct ami_orders *orders); /* those that wait: the connection is there */

#endif

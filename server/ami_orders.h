/* What Asterisk is told to do with calls of a gateway: to send one to its agent, to hang one up.
 *
 * An order waits until the connection is there, the channels are listed, and what was heard of its call is
 * decided. What has become of the call by then decides whether it is sent. It is kept until it is answered: a
 * connection that breaks before takes nothing with it, and what was done without our hearing of it is not
 * done again, for then the call is gone, or where it was to go. */
#ifndef SERVER_AMI_ORDERS_H
#define SERVER_AMI_ORDERS_H

#include "proto/ami_calls.h"
#include "server/gateway.h"

#define AMI_ORDERS_MAX 256     /* that wait or are not answered; more are given up */
#define AMI_ORDERS_SENT_MAX 64 /* that are not answered: all of them fit into GATEWAY_OUTPUT_MAX */

enum ami_order_kind {
    AMI_ORDER_REDIRECT, /* to the extension of the agent who has it, unless they talk already */
    AMI_ORDER_HANG_UP,  /* as rejected */
};

struct ami_orders;

struct ami_orders *ami_orders_alloc(struct gateway *gateway, const struct ami_calls *calls);
void ami_orders_free(struct ami_orders **orders);
void ami_orders_give(struct ami_orders *orders, enum ami_order_kind kind, struct slice call);
void ami_orders_go_on(struct ami_orders *orders); /* sends what may be: the connection is ready */
void ami_orders_on_answer(struct ami_orders *orders, struct slice action_id);
void ami_orders_on_connected(struct ami_orders *orders); /* a new one: what was not answered is sent again */

#endif

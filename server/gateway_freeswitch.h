/* FreeSWITCH's event socket (docs/freeswitch.md): we dial in and hear of all calls, or each call dials out to
 * us. Nothing that a caller chose is ever sent: commands hold ids of channels, and what the project file
 * says. */
#ifndef SERVER_GATEWAY_FREESWITCH_H
#define SERVER_GATEWAY_FREESWITCH_H

#include "proto/esl_calls.h"
#include "server/gateway.h"

#define FREESWITCH_LOGIN_DEADLINE_MS 10000 /* from the connection to the subscription */
#define FREESWITCH_REPLY_DEADLINE_MS 30000 /* of a list of channels, or what one is */
#define FREESWITCH_ASKED_MAX 64            /* channels that it is asked for at once */
#define FREESWITCH_LIST_EVERY_MS 30000     /* when events may have been lost, it is asked again no sooner */
#define FREESWITCH_PING_DEADLINE_MS 10000  /* else it is asked for an answer to a ping so often */
#define FREESWITCH_ENDING_MAX 32           /* calls that are ended as lost at once */
#define FREESWITCH_LOST_MAX ESL_LEGS_MAX   /* that wait for it; of more it is looked up which are open */
#define FREESWITCH_ORDERS_MAX 1024         /* commands that it has not confirmed; more are given up */

extern const struct gateway_kind gateway_freeswitch;

#endif

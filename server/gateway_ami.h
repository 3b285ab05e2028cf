/* Asterisk's manager interface: the gateway of kind "asterisk" (docs/asterisk.md). */
#ifndef SERVER_GATEWAY_AMI_H
#define SERVER_GATEWAY_AMI_H

#include "server/gateway.h"

#define GATEWAY_AMI_LOGIN_DEADLINE_MS 10000  /* from the connection to the list of channels */
#define GATEWAY_AMI_LIST_DEADLINE_MS 10000   /* of a list that is asked for later */
#define GATEWAY_AMI_PING_MS 15000            /* between two pings */
#define GATEWAY_AMI_ANSWER_DEADLINE_MS 10000 /* of a ping */
#define GATEWAY_AMI_VERSION_MIN 2 /* of the interface: Asterisk 12, which has Linkedid everywhere */

extern const struct gateway_kind gateway_ami;

#endif

/* Kamailio's module evapi (docs/kamailio.md): calls that wait in the routing script for a decision. */
#ifndef SERVER_GATEWAY_KAMAILIO_H
#define SERVER_GATEWAY_KAMAILIO_H

#include "server/gateway.h"

#define KAMAILIO_ASKED_MAX 32             /* questions after calls that are not answered yet */
#define KAMAILIO_QUESTIONS_MAX 20000      /* of one connection; of more open calls the oldest are asked for */
#define KAMAILIO_ANSWER_DEADLINE_MS 10000 /* then the place of a question is free for another */
#define KAMAILIO_LATE_KEPT_MS 60000 /* so much longer its answer still counts, if nobody has asked since */
#define KAMAILIO_LOOK_MS 1000       /* between two looks at that */

extern const struct gateway_kind gateway_kamailio;

#endif

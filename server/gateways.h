/* All gateways of a router: opened and closed as projects come and go and their files change. */
#ifndef SERVER_GATEWAYS_H
#define SERVER_GATEWAYS_H

#include "rules/value.h"

struct app;
struct project;
struct announced;
struct gateways;
struct metrics_collector;

struct gateways *gateways_open(struct app *app);
/* Opens, closes and replaces gateways so that they are those of the project's configuration, or none while
 * it is not decided for here. Cheap when nothing has changed. */
void gateways_sync(struct gateways *gateways, struct project *project);
/* Some of the project's still have events under way, and do not read any more. */
bool gateways_are_closing(const struct gateways *gateways, const struct project *project);
/* What a batch has announced. */
void gateways_tell(struct gateways *gateways, const struct project *project,
                   const struct announced *announced);
/* [{project, name, kind, state, since, why}] */
struct value gateways_states(const struct gateways *gateways, struct arena *arena);
void gateways_collect(const struct gateways *gateways, struct metrics_collector *collector);
/* Nothing more is read; what is in the intake is decided. */
void gateways_quiesce(struct gateways *gateways);
/* When the projects are closed: none of their events is under way. */
void gateways_close(struct gateways **gateways, void (*on_closed)(void *ctx), void *ctx);

#endif

/* Calls that nobody has seen end: thousands at once, when FreeSWITCH was started anew. They go into the
 * intake a few at a time, so that they keep no new call waiting. */
#include <stdlib.h>

#include "server/freeswitch.h"
#include "server/gateway_freeswitch.h"

struct freeswitch_lost {
    struct freeswitch_lost *next;
    struct slice cause;
    char call[ESL_ID_MAX + 1];
};

static bool is_live(struct gateway *gateway, struct slice call)
{
    const struct freeswitch *freeswitch = gateway_state(gateway);
    return esl_calls_has(freeswitch->calls, call);
}

static struct freeswitch_lost *take_first(struct freeswitch *freeswitch)
{
    struct freeswitch_lost *first = freeswitch->lost;
    freeswitch->lost = first->next;
    if (!first->next)
        freeswitch->lost_tail = &freeswitch->lost;
    freeswitch->lost_count--;
    return first;
}

static void go_on(struct freeswitch *freeswitch)
{
    while (freeswitch->lost && freeswitch->ending < FREESWITCH_ENDING_MAX) {
        struct freeswitch_lost *first = take_first(freeswitch);
        struct gateway_event *event = gateway_event_new(freeswitch->gateway);
        struct value document = esl_call_ended(gateway_source(freeswitch->gateway), slice_of(first->call),
                                               first->cause, gateway_event_arena(event));
        freeswitch->ending += gateway_event_submit(&event, &document, NULL, FREESWITCH_LOST_TAG);
        free(first);
    }
}

void freeswitch_lost_init(struct freeswitch *freeswitch)
{
    freeswitch->lost_tail = &freeswitch->lost;
}

void freeswitch_lost_deinit(struct freeswitch *freeswitch)
{
    while (freeswitch->lost)
        free(take_first(freeswitch));
}

void freeswitch_lost_end(struct freeswitch *freeswitch, struct slice call, struct slice cause)
{
    if (freeswitch->lost_count == FREESWITCH_LOST_MAX) {
        freeswitch_lost_end_all(freeswitch);
        return;
    }
    struct freeswitch_lost *lost = calloc(1, sizeof *lost);
    if (!lost)
        abort();
    lost->cause = cause;
    for (size_t i = 0; i < call.len; i++)
        lost->call[i] = call.ptr[i];
    *freeswitch->lost_tail = lost;
    freeswitch->lost_tail = &lost->next;
    freeswitch->lost_count++;
    go_on(freeswitch);
}

void freeswitch_lost_end_all(struct freeswitch *freeswitch)
{
    gateway_end_lost(freeswitch->gateway, is_live);
}

void freeswitch_lost_decided(struct freeswitch *freeswitch)
{
    freeswitch->ending--;
    go_on(freeswitch);
}

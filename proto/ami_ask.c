/* How a caller's number is presented: asked for each call before it rings, AMI_ASKS_MAX at a time, in the
 * order in which the calls began. An answer that does not come keeps no call from ringing for long. */
#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

void ami_ask_init(struct ami_calls *calls)
{
    calls->asks.prev_ask = calls->asks.next_ask = &calls->asks;
}

static void append(struct ami_calls *calls, struct ami_call *call)
{
    call->prev_ask = calls->asks.prev_ask;
    call->next_ask = &calls->asks;
    call->prev_ask->next_ask = call->next_ask->prev_ask = call;
}

void ami_ask_forget(struct ami_call *call)
{
    if (!call->next_ask)
        return;
    call->prev_ask->next_ask = call->next_ask;
    call->next_ask->prev_ask = call->prev_ask;
    call->prev_ask = call->next_ask = NULL;
}

void ami_ask_next(struct ami_calls *calls)
{
    while (!calls->is_resyncing && calls->asking < AMI_ASKS_MAX && calls->asks.next_ask != &calls->asks) {
        struct ami_call *call = calls->asks.next_ask;
        ami_ask_forget(call);
        if (calls->options.ask_presentation(calls->options.ctx, ami_text(&call->caller->name),
                                            ami_text(&call->id))) {
            call->ticks = 0;
            if (!calls->asking++)
                calls->silent = 0;
            continue;
        }
        call->is_withheld = true; /* nobody can say that it is not */
        ami_call_ring(calls, call);
    }
}

/* Of questions that nothing is heard of any more none keeps another from being asked. An answer that is late
 * finds its call ringing. Calls that wait to be asked about go on waiting while others are answered. */
void ami_calls_tick(struct ami_calls *calls)
{
    if (calls->is_resyncing)
        return;
    bool is_silent = calls->asking && ++calls->silent >= AMI_ASK_TICKS;
    if (is_silent)
        calls->asking = 0;
    for (struct ami_call *at = calls->calls.prev; at != &calls->calls; at = at->prev) {
        if (!at->is_asked || ++at->ticks < AMI_ASK_TICKS || (at->next_ask && !is_silent))
            continue;
        at->is_withheld = true; /* nobody has said that it is not */
        ami_call_ring(calls, at);
    }
    ami_ask_next(calls);
}

void ami_ask(struct ami_calls *calls, struct ami_call *call)
{
    call->is_asked = true;
    if (!calls->options.ask_presentation || call->is_withheld) {
        ami_call_ring(calls, call);
        return;
    }
    append(calls, call);
    ami_ask_next(calls);
}

void ami_ask_again(struct ami_calls *calls)
{
    calls->asking = 0;
    for (struct ami_call *at = calls->calls.prev; at != &calls->calls; at = at->prev) {
        if (!at->is_asked)
            continue;
        ami_ask_forget(at);
        append(calls, at);
    }
}

void ami_ask_read(struct ami_calls *calls, struct slice action, const struct ami_block *answer)
{
    size_t len = sizeof AMI_PRESENTATION_ID - 1;
    if (!ascii_begins(action, AMI_PRESENTATION_ID))
        return;
    if (calls->asking)
        calls->asking--;
    calls->silent = 0;
    struct ami_call *call = ami_call_find(calls, ascii_part(action, len, action.len));
    if (call && call->is_asked && !call->next_ask) {
        if (ami_is(answer, "response", "success"))
            call->is_withheld |= ami_hides(ami_find(answer, "value"));
        else
            call->is_withheld |= ami_is(answer, "message", "no such channel");
        ami_call_ring(calls, call);
    }
    ami_ask_next(calls);
}

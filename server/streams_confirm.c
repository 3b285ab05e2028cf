/* A stream outlasts the look at its token, so that is taken again: now and then, and soon after the database
 * has told that tokens changed. A few at a time: thousands of desktops must not ask at once. */
#include <string.h>

#include "server/auth.h"
#include "server/streams_internal.h"

void stream_set_token(struct stream *stream, const struct principal *principal)
{
    memcpy(stream->token, principal->token_hash, sizeof stream->token);
}

static void on_found(void *ctx, const struct principal *principal, bool storage_away)
{
    struct stream *stream = ctx;
    stream->confirming = false;
    if (stream->state == STREAM_ENDED)
        stream_leave(stream);
    else if (!principal && !storage_away)
        stream_cut(stream);
}

static void confirm(struct stream *stream, uint64_t now)
{
    struct auth *auth = stream->streams->app->auth;
    stream->confirm_ms = now + STREAMS_CONFIRM_EVERY_MS;
    stream->tokens_version = auth_generation(auth);
    stream->confirming = true;
    auth_find_hash(auth, stream->token, on_found, stream);
}

void streams_confirm(struct streams *streams, uint64_t now)
{
    uint64_t version = streams->app->auth ? auth_generation(streams->app->auth) : 0;
    size_t left = streams->app->auth ? STREAMS_CONFIRM_MAX : 0;
    for (struct stream *next, *stream = streams->all; stream && left; stream = next) {
        next = stream->next;
        bool due = stream->confirm_ms <= now || stream->tokens_version != version;
        if (stream->state == STREAM_ENDED || stream->confirming || !due)
            continue;
        confirm(stream, now);
        left--;
    }
}

#include "proto/hook_twiml.h"

#include "proto/hook_xml.h"
#include "rules/ascii.h"

#define DOCUMENT HOOK_XML_HEAD "<Response>%.*s</Response>"

/* As a value in a query (RFC 3986 2.3: what is not unreserved is escaped). */
static struct slice escaped(struct slice text, struct arena *arena)
{
    static const char digits[] = "0123456789ABCDEF";
    char *bytes = arena_alloc(arena, 3 * text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (ascii_is_letter((char)c) || ascii_is_digit((char)c) || ascii_is_one_of((char)c, "-._~")) {
            bytes[len++] = (char)c;
        } else {
            bytes[len++] = '%';
            bytes[len++] = digits[c >> 4];
            bytes[len++] = digits[c & 15];
        }
    }
    return (struct slice){bytes, len};
}

static struct slice with_parameter(struct slice url, const char *name, struct slice text, struct arena *arena)
{
    if (!text.len)
        return url;
    struct slice value = escaped(text, arena);
    return arena_format(arena, "%.*s%c%s=%.*s", (int)url.len, url.ptr,
                        ascii_find(url, '?') < url.len ? '&' : '?', name, (int)value.len, value.ptr);
}

/* The URL learns what was decided. */
static struct slice redirect(struct slice url, const struct hook_decision *decision, struct arena *arena)
{
    url = with_parameter(url, "outcome", decision->outcome, arena);
    url = with_parameter(url, "interaction", decision->interaction, arena);
    url = with_parameter(url, "queue", decision->queue, arena);
    url = with_parameter(url, "agent", decision->agent, arena);
    url = hook_xml_text(url, arena);
    return arena_format(arena, "<Redirect>%.*s</Redirect>", (int)url.len, url.ptr);
}

static struct slice enqueue(struct slice queue, struct arena *arena)
{
    queue = hook_xml_text(queue, arena);
    return arena_format(arena, "<Enqueue>%.*s</Enqueue>", (int)queue.len, queue.ptr);
}

/* Held until somebody takes the call out over Twilio's API: the pause is asked for again at its end. */
static struct slice hold(const struct hook_request *request, struct arena *arena)
{
    struct slice url = hook_xml_text(request->url, arena);
    return arena_format(arena, "<Pause length=\"%u\"/><Redirect>%.*s</Redirect>", request->voice->pause_s,
                        (int)url.len, url.ptr);
}

static struct slice verbs(const struct hook_request *request, const struct hook_decision *decision,
                          bool is_ringing, struct arena *arena)
{
    const struct hook_voice *voice = request->voice;
    if (decision->blocked && !is_ringing)
        return SLICE("<Hangup/>");
    if (decision->blocked)
        return voice && voice->is_busy ? SLICE("<Reject reason=\"busy\"/>") : SLICE("<Reject/>");
    if (slice_is(decision->outcome, "ended"))
        return (struct slice){NULL, 0};
    if (voice && voice->redirect.len)
        return redirect(voice->redirect, decision, arena);
    if (voice && voice->enqueue.len)
        return enqueue(voice->enqueue, arena);
    if (voice && voice->pause_s)
        return hold(request, arena);
    return decision->queue.len ? enqueue(decision->queue, arena) : (struct slice){NULL, 0};
}

struct slice hook_twiml(const struct hook_request *request, const struct hook_decision *decision,
                        bool is_ringing, struct arena *arena)
{
    struct slice inside = verbs(request, decision, is_ringing, arena);
    return arena_format(arena, DOCUMENT, (int)inside.len, inside.ptr ? inside.ptr : "");
}

struct hook_voice *hook_voice_copy(const struct hook_voice *voice, struct arena *arena)
{
    struct hook_voice *out = arena_new(arena, struct hook_voice);
    *out = *voice;
    out->redirect = arena_copy(arena, voice->redirect);
    out->enqueue = arena_copy(arena, voice->enqueue);
    return out;
}

#include "rules/event.h"

static const char *const names[EVENT_TYPE_COUNT] = {
    "call.ringing", "call.answered", "call.ended", "chat.message", "chat.ended", "email.received",
};

const char *event_type_name(enum event_type type)
{
    return names[type];
}

bool event_type_parse(enum event_type *out, struct slice name)
{
    for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
        if (slice_is(name, names[i])) {
            *out = (enum event_type)i;
            return true;
        }
    }
    return false;
}

enum channel event_type_channel(enum event_type type)
{
    switch (type) {
    case EVENT_CALL_RINGING:
    case EVENT_CALL_ANSWERED:
    case EVENT_CALL_ENDED:
        return CHANNEL_CALL;
    case EVENT_CHAT_MESSAGE:
    case EVENT_CHAT_ENDED:
        return CHANNEL_CHAT;
    case EVENT_EMAIL_RECEIVED:
        break;
    }
    return CHANNEL_EMAIL;
}

/* Telegram Bot API: updates with a message, an edited message, a pressed button or a person who stops the
 * bot, in private chats. Groups, channels, reactions and all other updates are ignored.
 *
 * A session is the chat, and the business connection where a person's own account is answered for. */
#include "proto/hook_presets.h"

#include "proto/hook_sign.h"
#include "proto/hook_telegram.h"
#include "proto/json.h"

#define INBOX "telegram" /* where the hook has no endpoint: updates do not say whose bot they are for */

enum hook_status hook_telegram_verify(const struct hook_request *request, struct arena *arena)
{
    (void)arena;
    struct slice token = hook_header(request, "x-telegram-bot-api-secret-token");
    return token.len && hook_is_secret(request, token) ? HOOK_OK : HOOK_BAD_SIGNATURE;
}

struct update {
    struct hook_result *result;
    const struct hook_request *request;
    struct arena *arena;
    struct slice id;
    int64_t time_ms; /* TIME_NEVER: none is given */
};

static enum hook_status missing(const struct update *update, const char *kind, const char *name)
{
    struct slice pointer = arena_format(update->arena, "/%s/%s%c", kind, name, 0);
    return hook_missing(update->result, pointer.ptr);
}

static bool is_private(const struct value *chat, struct arena *arena)
{
    return slice_is(hook_text(chat, "type", arena), "private");
}

static bool is_bot(const struct value *user)
{
    const struct value *flag = value_member(user, "is_bot");
    return flag && flag->kind == VALUE_BOOL && flag->boolean;
}

static struct slice session_of(const struct value *message, struct arena *arena)
{
    struct slice chat = hook_text(value_member(message, "chat"), "id", arena);
    struct slice business = hook_text(message, "business_connection_id", arena);
    if (!business.len)
        return chat;
    return arena_format(arena, "%.*s:%.*s", (int)business.len, business.ptr, (int)chat.len,
                        chat.ptr ? chat.ptr : "");
}

/* Their own number, when they share it with a button; other people's cards stay in the attributes. */
static struct slice own_phone(const struct value *message, const struct value *user, struct arena *arena)
{
    const struct value *contact = value_member(message, "contact");
    struct slice owner = hook_text(contact, "user_id", arena);
    struct slice phone = hook_text(contact, "phone_number", arena);
    if (!phone.len || !owner.len || !slice_equal(owner, hook_text(user, "id", arena)))
        return (struct slice){NULL, 0};
    return phone.ptr[0] == '+' ? phone : arena_format(arena, "+%.*s", (int)phone.len, phone.ptr);
}

static struct slice name_of(const struct value *user, struct arena *arena)
{
    struct slice first = hook_text(user, "first_name", arena), last = hook_text(user, "last_name", arena);
    if (!first.len || !last.len)
        return first.len ? first : last;
    return arena_format(arena, "%.*s %.*s", (int)first.len, first.ptr, (int)last.len, last.ptr);
}

static struct value from_of(const struct value *message, const struct value *user, struct arena *arena)
{
    struct value from = value_map(arena, 3);
    value_set_text(&from, "phone", own_phone(message, user, arena));
    value_set(&from, "id", value_string(hook_text(user, "id", arena)));
    value_set_text(&from, "name", name_of(user, arena));
    return from;
}

static enum hook_status add(const struct update *update, const struct value *message,
                            const struct value *user, struct slice text, struct value attributes)
{
    struct arena *arena = update->arena;
    struct value data = value_map(arena, 5);
    struct slice chat = hook_text(value_member(message, "chat"), "id", arena);
    struct hook_event event = {.type = EVENT_CHAT_MESSAGE, .id = update->id, .time_ms = update->time_ms};
    value_set(&data, "from", from_of(message, user, arena));
    value_set(&data, "to", value_string(SLICE(INBOX)));
    value_set_text(&data, "text", text);
    /* In a private chat of a person's own account, what is not of the other one is the person's reply. */
    if (value_member(message, "business_connection_id") && !slice_equal(chat, hook_text(user, "id", arena)))
        value_set(&data, "direction", value_string(SLICE("outbound")));
    value_set(&data, "attributes", attributes);
    event.subject = session_of(message, arena);
    event.data = data;
    return hook_add(update->result, update->request, &event, arena);
}

static enum hook_status read_message(const struct update *update, const struct value *message,
                                     const char *kind, bool is_edited)
{
    struct arena *arena = update->arena;
    const struct value *chat = value_member(message, "chat"), *user = value_member(message, "from");
    if (!hook_text(chat, "id", arena).len)
        return missing(update, kind, "chat/id");
    if (!is_private(chat, arena) || is_bot(user) || !hook_telegram_has_content(message))
        return HOOK_IGNORED;
    if (!hook_text(user, "id", arena).len)
        return missing(update, kind, "from/id");
    struct value attributes = hook_telegram_attributes(message, user, arena);
    if (own_phone(message, user, arena).len)
        value_set(&attributes, "verified", value_bool(true));
    if (is_edited)
        value_set(&attributes, "edited", value_bool(true));
    return add(update, message, user, hook_telegram_text(message, arena), attributes);
}

/* The words on the button count, as the person saw them. */
static enum hook_status read_button(const struct update *update, const struct value *query)
{
    struct arena *arena = update->arena;
    const struct value *message = value_member(query, "message"), *user = value_member(query, "from");
    const struct value *chat = value_member(message, "chat");
    struct slice data = hook_text(query, "data", arena);
    if (!hook_text(user, "id", arena).len)
        return missing(update, "callback_query", "from/id");
    if (!is_private(chat, arena) || !hook_text(chat, "id", arena).len || !data.len)
        return HOOK_IGNORED;
    struct value attributes = hook_telegram_button(query, message, user, arena);
    return add(update, message, user, hook_telegram_label(message, data, arena), attributes);
}

/* A person who stops the bot has left the chat. */
static enum hook_status read_member(const struct update *update, const struct value *change)
{
    struct arena *arena = update->arena;
    const struct value *chat = value_member(change, "chat");
    struct value data = value_map(arena, 1);
    if (!is_private(chat, arena) || !hook_text(chat, "id", arena).len ||
        !slice_is(hook_text(value_member(change, "new_chat_member"), "status", arena), "kicked"))
        return HOOK_IGNORED;
    value_set(&data, "cause", value_string(SLICE("stopped")));
    struct hook_event event = {.type = EVENT_CHAT_ENDED,
                               .id = update->id,
                               .subject = session_of(change, arena),
                               .time_ms = update->time_ms,
                               .data = data};
    return hook_add(update->result, update->request, &event, arena);
}

/* An edited message happens when it is edited. */
static void read_time(struct update *update, const struct value *of)
{
    struct slice edited = hook_text(of, "edit_date", update->arena);
    if (!hook_seconds(&update->time_ms, edited.len ? edited : hook_text(of, "date", update->arena)))
        update->time_ms = TIME_NEVER;
}

static enum hook_status read_update(struct update *update, const struct value *document)
{
    static const struct {
        const char *name;
        bool is_edited;
    } kinds[] = {{"message", false},
                 {"edited_message", true},
                 {"business_message", false},
                 {"edited_business_message", true}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct value *message = value_member(document, kinds[i].name);
        if (message) {
            read_time(update, message);
            return read_message(update, message, kinds[i].name, kinds[i].is_edited);
        }
    }
    const struct value *query = value_member(document, "callback_query");
    if (query)
        return read_button(update, query);
    const struct value *change = value_member(document, "my_chat_member");
    if (!change)
        return HOOK_IGNORED;
    read_time(update, change);
    return read_member(update, change);
}

enum hook_status hook_telegram_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena)
{
    struct value document;
    enum hook_status status = hook_json(&document, result, request, arena);
    if (status != HOOK_OK)
        return status;
    struct update update = {.result = result,
                            .request = request,
                            .arena = arena,
                            .id = hook_text(&document, "update_id", arena),
                            .time_ms = TIME_NEVER};
    if (!update.id.len)
        return hook_missing(result, "/update_id");
    return read_update(&update, &document);
}

/* A method as the answer saves a call of the API: without it the button would wait for half a minute. */
void hook_telegram_answer(struct hook_answer *answer, const struct hook_request *request,
                          const struct hook_result *result, const struct hook_decision *decisions,
                          struct arena *arena)
{
    const struct value *attributes = value_member(value_member(&result->events[0], "data"), "attributes");
    struct slice query = hook_text(value_member(attributes, "reply"), "query", arena);
    struct value method = value_map(arena, 2);
    (void)request;
    (void)decisions;
    if (query.len) {
        value_set(&method, "method", value_string(SLICE("answerCallbackQuery")));
        value_set(&method, "callback_query_id", value_string(query));
    }
    hook_say(answer, 200, "application/json", json_write(&method, arena));
}

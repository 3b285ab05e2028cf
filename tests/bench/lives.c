#include "tests/bench/lives.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 128
#define AGENTS_MAX 4000
#define OPEN_AT_ONCE 64 /* logins under way: each asks the database */
#define LOGIN_NS INT64_C(30000000000)

#define ID_PLACE "IIIIIIII-IIIIIIIIIIII" /* run and number */
#define SUBJECT_PLACE "SSSSSSSS-SSSSSSSSSSSS"
#define PHONE_PLACE "PPPPPPPPPPPPPP"
#define OFFER_PLACE "00000000-0000-0000-0000-000000000000"

/* Where a call's frame has what differs: the order of the arguments of template_make(). */
enum place { PLACE_ID, PLACE_SUBJECT, PLACE_PHONE };

static struct value event(struct arena *arena, const char *type, struct value data)
{
    struct value map = value_map(arena, 6);
    value_set(&map, "specversion", value_string(SLICE("1.0")));
    value_set(&map, "type", value_string(slice_of(type)));
    value_set(&map, "source", value_string(SLICE("bench-1")));
    value_set(&map, "id", value_string(SLICE(ID_PLACE)));
    value_set(&map, "subject", value_string(SLICE(SUBJECT_PLACE)));
    value_set(&map, "data", data);
    return map;
}

static void make_templates(struct lives *lives)
{
    static const char *const places[] = {ID_PLACE, SUBJECT_PLACE, PHONE_PLACE}, *const offer_places[] = {
                                                                                    OFFER_PLACE};
    struct arena arena;
    arena_init(&arena);
    struct value ringing = value_map(&arena, 2), ended = value_map(&arena, 1), accept = value_map(&arena, 1);
    value_set(&ringing, "from", value_string(SLICE(PHONE_PLACE)));
    value_set(&ringing, "to", value_string(SLICE(BENCH_ENDPOINT)));
    value_set(&ended, "cause", value_string(SLICE("normal")));
    value_set(&accept, "offer", value_string(SLICE(OFFER_PLACE)));
    template_make(&lives->ringing, "event.publish", event(&arena, "call.ringing", ringing), places, 3);
    template_make(&lives->ended, "event.publish", event(&arena, "call.ended", ended), places, 2);
    template_make(&lives->accept, "offer.accept", accept, offer_places, 1);
    arena_deinit(&arena);
}

/* --- Logging in --- */

static void send_login(struct lives *lives, struct client *client, const char *token)
{
    struct arena arena;
    struct template hello, presence;
    arena_init(&arena);
    struct value params = value_map(&arena, 3), auth = value_map(&arena, 1), state = value_map(&arena, 2);
    value_set(&auth, "token", value_string(slice_of(token)));
    value_set(&params, "protocol", value_int(1));
    value_set(&params, "client", value_string(SLICE("bench")));
    value_set(&params, "auth", auth);
    template_make(&hello, "hello", params, NULL, 0);
    template_send(&hello, &lives->clients, client, CLIENT_MSGID_MIN);
    lives->expected++;
    if (client->index >= lives->sources) {
        value_set(&state, "state", value_string(SLICE("available")));
        value_set(&state, "lease", value_int(0));
        template_make(&presence, "presence.set", state, NULL, 0);
        template_send(&presence, &lives->clients, client, CLIENT_MSGID_MIN);
        free(presence.bytes);
        lives->expected++;
    }
    free(hello.bytes);
    arena_deinit(&arena);
}

static void on_login(void *ctx, const struct answer *answer)
{
    struct lives *lives = ctx;
    if (answer->failed)
        bench_fail("the server refuses a login: %.*s", (int)answer->frame.len, answer->frame.ptr);
    lives->expected--;
}

static void await_logins(struct lives *lives)
{
    int64_t until = bench_now_ns() + LOGIN_NS;
    while (lives->expected) {
        clients_turn(&lives->clients, until);
        if (bench_now_ns() >= until)
            bench_fail("logins are not answered");
    }
}

static uint32_t read_tokens(const char *path, char (*tokens)[LINE_SIZE])
{
    FILE *file = fopen(path, "r");
    uint32_t count = 0;
    if (!file)
        bench_fail("cannot read %s", path);
    for (; count <= AGENTS_MAX && fgets(tokens[count], LINE_SIZE, file); count++)
        tokens[count][strcspn(tokens[count], "\n")] = '\0';
    fclose(file);
    if (count < 2 || count > AGENTS_MAX)
        bench_fail("%s must have a token of a source and 1 to %d of agents", path, AGENTS_MAX - 1);
    return count;
}

/* --- Lives --- */

/* The text behind a key that stands in the frame as "\xa5agent": a fixstr, or str 8. */
static struct slice text_after(struct slice frame, const char *key)
{
    const char *at = memmem(frame.ptr, frame.len, key, strlen(key)), *end = frame.ptr + frame.len;
    if (at) {
        const unsigned char *text = (const unsigned char *)at + strlen(key);
        size_t head = *text == 0xd9 ? 2 : 1, len = *text == 0xd9 ? text[1] : *text & 0x1fu;
        if (*text == 0xd9 || (*text & 0xe0) == 0xa0)
            if ((const char *)text + head + len <= end)
                return (struct slice){(const char *)text + head, len};
    }
    bench_fail("a ringing call was not offered: are there enough agents?");
}

static void read_offer(struct lives *lives, struct life *life, struct slice frame)
{
    struct slice agent = text_after(frame, "\xa5"
                                           "agent");
    struct slice offer = text_after(frame, "\xa5"
                                           "offer");
    char number[16] = "";
    if (agent.len < 2 || agent.len > sizeof number || offer.len != UUID_TEXT_LEN)
        bench_fail("an answer is not as expected");
    memcpy(number, agent.ptr + 1, agent.len - 1);
    life->agent = (uint32_t)bench_number(number);
    if (life->agent < 1 || life->agent > lives->clients.count - lives->sources)
        bench_fail("agent %s has no connection", number);
    memcpy(life->offer, offer.ptr, UUID_TEXT_LEN);
}

static void on_answer(void *ctx, const struct answer *answer)
{
    struct lives *lives = ctx;
    uint32_t index = answer->msgid - CLIENT_MSGID_MIN;
    struct life *life = &lives->items[index];
    if (index >= LIVES_MAX || !life->is_waiting)
        bench_fail("an answer that nobody waits for");
    if (answer->failed)
        bench_fail("the server refuses phase %d of a life: %.*s", life->phase, (int)answer->frame.len,
                   answer->frame.ptr);
    enum life_phase done = life->phase;
    if (done == LIFE_RINGS)
        read_offer(lives, life, answer->frame);
    life->phase = done == LIFE_ENDS ? LIFE_RINGS : done + 1;
    life->is_waiting = false;
    lives->on_step(lives->ctx, life, done, bench_now_ns() - life->sent_ns);
}

static void write_id(const struct lives *lives, char *to, char kind, uint64_t number)
{
    char text[sizeof ID_PLACE + 16];
    snprintf(text, sizeof text, "%08" PRIx32 "-%c%011" PRIu64, lives->run, kind, number);
    memcpy(to, text, sizeof ID_PLACE - 1);
}

/* One caller in ten is new. */
static void choose_phone(struct lives *lives, uint64_t number, char out[BENCH_PHONE_LEN + 1])
{
    if (number % 10 == 0)
        population_new_phone(out, (uint32_t)(dice_next(&lives->dice) >> 32));
    else
        population_phone(out, dice_below(&lives->dice, lives->customers));
}

void lives_send(struct lives *lives, struct life *life)
{
    struct clients *clients = &lives->clients;
    uint32_t index = (uint32_t)(life - lives->items), msgid = CLIENT_MSGID_MIN + index;
    struct client *source = &clients->items[index % lives->sources];
    life->is_waiting = true;
    life->sent_ns = bench_now_ns();
    if (life->phase == LIFE_IS_ACCEPTED) {
        struct client *agent = &clients->items[lives->sources + life->agent - 1];
        char *frame = template_send(&lives->accept, clients, agent, msgid);
        memcpy(frame + lives->accept.places[0], life->offer, UUID_TEXT_LEN);
        return;
    }
    bool rings = life->phase == LIFE_RINGS;
    const struct template *template = rings ? &lives->ringing : &lives->ended;
    char *frame = template_send(template, clients, source, msgid);
    if (rings) {
        char phone[BENCH_PHONE_LEN + 1];
        life->number = lives->begun++;
        choose_phone(lives, life->number, phone);
        memcpy(frame + template->places[PLACE_PHONE], phone, BENCH_PHONE_LEN);
    }
    write_id(lives, frame + template->places[PLACE_ID], rings ? 'r' : 'e', life->number);
    write_id(lives, frame + template->places[PLACE_SUBJECT], 'c', life->number);
}

void lives_open(struct lives *lives, const char *address, const char *tokens, uint32_t sources)
{
    static char all[AGENTS_MAX + 1][LINE_SIZE];
    uint32_t agents = read_tokens(tokens, all) - 1;
    lives->sources = sources;
    lives->dice = dice_seeded();
    lives->run = (uint32_t)dice_next(&lives->dice);
    make_templates(lives);
    clients_open(&lives->clients, sources + agents, address);
    lives->clients.ctx = lives;
    lives->clients.on_answer = on_login;
    for (uint32_t i = 0; i < lives->clients.count; i++) {
        send_login(lives, &lives->clients.items[i], i < sources ? all[0] : all[i - sources + 1]);
        if (i % OPEN_AT_ONCE == OPEN_AT_ONCE - 1)
            await_logins(lives);
    }
    await_logins(lives);
    lives->clients.on_answer = on_answer;
}

void lives_close(struct lives *lives)
{
    clients_close(&lives->clients);
    free(lives->ringing.bytes);
    free(lives->accept.bytes);
    free(lives->ended.bytes);
}

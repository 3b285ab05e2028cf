#include "server/feed_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/people_texts.h"
#include "storage/pg_array.h"
#include "storage/pg_array_read.h"

#define FIRST_CAPACITY 64
#define PROJECT_TEXT_MAX 12

#define KIND_TEXTS 1 /* else a customer */

enum people_column {
    KIND,
    SEQ,
    ID,
    PHONE,            /* and the other texts of an event */
    NAME = PHONE + 3, /* a customer's, too */
    OWNER = PHONE + PEOPLE_COLUMNS,
    TAGS,
};

/* What a row of the reply says about the people of an event. */
struct texts_row {
    uint64_t seq;
    struct party_texts texts;
};

void feed_people_add(struct feed_people *people, struct snapshot *snapshot, struct arena *arena)
{
    static const struct party_texts nothing;
    /* Announcements of one row mostly share one snapshot. */
    if (people->count && people->snapshots[people->count - 1] == snapshot)
        return;
    if (people->count == people->capacity) {
        uint32_t capacity = people->capacity ? people->capacity * 2 : FIRST_CAPACITY;
        struct snapshot **grown = arena_array(arena, struct snapshot *, capacity);
        if (people->count)
            memcpy(grown, people->snapshots, sizeof *grown * people->count);
        people->snapshots = grown;
        people->capacity = capacity;
    }
    /* As when it was announced: then there always were texts, if only empty ones. */
    snapshot->texts = &nothing;
    people->snapshots[people->count++] = snapshot;
}

/* --- Asking --- */

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static int compare_ids(const void *a, const void *b)
{
    return uuid_compare(a, b);
}

static void put_openings(struct pg_array *array, const struct feed_people *people, struct arena *arena)
{
    uint64_t *numbers = arena_array(arena, uint64_t, people->count);
    for (uint32_t i = 0; i < people->count; i++)
        numbers[i] = people->snapshots[i]->opened_seq;
    qsort(numbers, people->count, sizeof *numbers, compare_numbers);
    for (uint32_t i = 0; i < people->count; i++) {
        if (i == 0 || numbers[i] != numbers[i - 1])
            pg_array_int(array, (int64_t)numbers[i]);
    }
}

static void put_customers(struct pg_array *array, const struct feed_people *people, struct arena *arena)
{
    struct uuid *ids = arena_array(arena, struct uuid, people->count);
    for (uint32_t i = 0; i < people->count; i++)
        ids[i] = people->snapshots[i]->customer;
    qsort(ids, people->count, sizeof *ids, compare_ids);
    for (uint32_t i = 0; i < people->count; i++) {
        if (!uuid_is_nil(&ids[i]) && (i == 0 || !uuid_equal(&ids[i], &ids[i - 1])))
            pg_array_uuid(array, &ids[i]);
    }
}

bool feed_people_ask(const struct feed_people *people, uint32_t project, struct pg_link *link,
                     pg_on_reply on_reply, void *ctx, struct arena *arena)
{
    char text[PROJECT_TEXT_MAX];
    struct pg_array openings, customers;
    pg_array_init(&openings, PG_INT8);
    pg_array_init(&customers, PG_UUID);
    put_openings(&openings, people, arena);
    put_customers(&customers, people, arena);
    size_t len = (size_t)snprintf(text, sizeof text, "%u", project);
    const struct pg_param params[] = {
        {text, len, false}, pg_array_param(&openings), pg_array_param(&customers)};
    const struct pg_query query = {
        .name = "people_rows", .params = params, .param_count = 3, .binary_result = true};
    bool taken = pg_link_submit(link, &query, on_reply, ctx);
    pg_array_deinit(&openings);
    pg_array_deinit(&customers);
    return taken;
}

/* --- Taking the answer --- */

static struct texts_row read_texts(const struct pg_reply *reply, int row, struct arena *arena)
{
    return (struct texts_row){.seq = (uint64_t)pg_int64(reply, row, SEQ),
                              .texts = people_texts(reply, row, PHONE, arena)};
}

static struct customer_fact read_customer(const struct pg_reply *reply, int row, struct arena *arena)
{
    struct customer_fact fact = {.id = pg_uuid(reply, row, ID),
                                 .name = people_copy(reply, row, NAME, arena),
                                 .owner = people_copy(reply, row, OWNER, arena)};
    fact.tag_count = pg_text_array(reply, row, TAGS, &fact.tags, arena);
    for (uint32_t i = 0; i < fact.tag_count; i++)
        fact.tags[i] = arena_copy(arena, fact.tags[i]);
    return fact;
}

static int compare_texts(const void *a, const void *b)
{
    return compare_numbers(&((const struct texts_row *)a)->seq, &((const struct texts_row *)b)->seq);
}

static int compare_customers(const void *a, const void *b)
{
    return uuid_compare(&((const struct customer_fact *)a)->id, &((const struct customer_fact *)b)->id);
}

void feed_people_take(struct feed_people *people, const struct pg_reply *reply, struct arena *arena)
{
    struct texts_row *texts = arena_array(arena, struct texts_row, (size_t)reply->rows);
    struct customer_fact *customers = arena_array(arena, struct customer_fact, (size_t)reply->rows);
    size_t text_count = 0, customer_count = 0;
    for (int row = 0; row < reply->rows; row++) {
        if (pg_int64(reply, row, KIND) == KIND_TEXTS)
            texts[text_count++] = read_texts(reply, row, arena);
        else
            customers[customer_count++] = read_customer(reply, row, arena);
    }
    qsort(texts, text_count, sizeof *texts, compare_texts);
    qsort(customers, customer_count, sizeof *customers, compare_customers);
    for (uint32_t i = 0; i < people->count; i++) {
        struct snapshot *snapshot = people->snapshots[i];
        struct texts_row wanted = {.seq = snapshot->opened_seq};
        struct customer_fact who = {.id = snapshot->customer};
        const struct texts_row *found = bsearch(&wanted, texts, text_count, sizeof *texts, compare_texts);
        const struct customer_fact *fact =
            bsearch(&who, customers, customer_count, sizeof *customers, compare_customers);
        if (found)
            snapshot->texts = &found->texts;
        if (fact)
            snapshot->fact = *fact;
    }
}

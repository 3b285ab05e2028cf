#include "server/people_texts.h"

struct slice people_copy(const struct pg_reply *reply, int row, int column, struct arena *arena)
{
    struct slice cell = pg_cell(reply, row, column);
    return cell.len ? arena_copy(arena, cell) : (struct slice){NULL, 0};
}

struct party_texts people_texts(const struct pg_reply *reply, int row, int first, struct arena *arena)
{
    struct party_texts texts = {.region = {NULL, 0}};
    struct slice *const columns[PEOPLE_COLUMNS] = {
        &texts.phone,     &texts.email,     &texts.id,     &texts.name,    &texts.recipient,
        &texts.phone_key, &texts.email_key, &texts.source, &texts.subject, &texts.title};
    for (int i = 0; i < PEOPLE_COLUMNS; i++)
        *columns[i] = arena ? people_copy(reply, row, first + i, arena) : pg_cell(reply, row, first + i);
    return texts;
}

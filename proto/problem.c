#include "proto/problem.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/fault.h"

/* One row per code: whoever adds a code adds its row, and nothing else. */
static const struct row {
    const char *name, *title;
    unsigned status;
    bool retryable;
} rows[] = {
    [PROBLEM_UNAUTHENTICATED] = {"unauthenticated", "Authentication is required", 401, false},
    [PROBLEM_FORBIDDEN] = {"forbidden", "Not allowed", 403, false},
    [PROBLEM_NOT_FOUND] = {"not_found", "Not found", 404, false},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method_not_allowed", "Method not allowed here", 405, false},
    [PROBLEM_INVALID] = {"invalid", "The request is not valid", 400, false},
    [PROBLEM_STALE] = {"stale", "The event is older than the idempotency window", 400, false},
    [PROBLEM_ID_CONFLICT] = {"id_conflict", "The event id was used with another content", 409, false},
    [PROBLEM_OFFER_GONE] = {"offer_gone", "The offer is no longer open", 409, false},
    [PROBLEM_ALREADY_TAKEN] = {"already_taken", "Somebody else was first", 409, false},
    [PROBLEM_AGENT_UNAVAILABLE] = {"agent_unavailable", "The agent cannot take it now", 409, false},
    [PROBLEM_CONTACT_LIMIT] = {"contact_limit", "The customer has no room for more contacts", 409, false},
    [PROBLEM_IN_USE] = {"in_use", "Something depends on it", 409, false},
    [PROBLEM_TOO_LARGE] = {"too_large", "The request is too large", 413, false},
    [PROBLEM_UNSUPPORTED_MEDIA_TYPE] = {"unsupported_media_type", "The media type is not supported", 415,
                                        false},
    [PROBLEM_OVERLOADED] = {"overloaded", "Too much at once", 429, true},
    [PROBLEM_NOT_OWNER] = {"not_owner", "Another router owns this project", 503, true},
    [PROBLEM_STORAGE_UNAVAILABLE] = {"storage_unavailable", "The storage cannot be reached", 503, true},
    [PROBLEM_INTERNAL] = {"internal", "Internal error", 500, false},
};
static_assert(sizeof rows / sizeof rows[0] == PROBLEM_CODE_COUNT, "a row per code");

const char *problem_code_name(enum problem_code code)
{
    return rows[code].name;
}

bool problem_code_parse(enum problem_code *out, struct slice name)
{
    for (int i = 0; i < PROBLEM_CODE_COUNT; i++) {
        if (slice_is(name, rows[i].name)) {
            *out = (enum problem_code)i;
            return true;
        }
    }
    return false;
}

unsigned problem_status(enum problem_code code)
{
    return rows[code].status;
}

const char *problem_title(enum problem_code code)
{
    return rows[code].title;
}

bool problem_is_retryable(enum problem_code code)
{
    return rows[code].retryable;
}

void problem_set(struct problem *problem, enum problem_code code, const char *pointer, const char *format,
                 ...)
{
    *problem = (struct problem){.code = code};
    va_list args;
    va_start(args, format);
    vsnprintf(problem->detail, sizeof problem->detail, format, args);
    va_end(args);
    fault_trim(problem->detail, sizeof problem->detail);
    snprintf(problem->pointer, sizeof problem->pointer, "%s", pointer ? pointer : "");
    fault_trim(problem->pointer, sizeof problem->pointer);
}

void problem_set_fault(struct problem *problem, const struct fault *fault)
{
    if (fault->column)
        problem_set(problem, PROBLEM_INVALID, fault->pointer, "line %u, column %u: %s", (unsigned)fault->line,
                    (unsigned)fault->column, fault->detail);
    else if (fault->line)
        problem_set(problem, PROBLEM_INVALID, fault->pointer, "line %u: %s", (unsigned)fault->line,
                    fault->detail);
    else
        problem_set(problem, PROBLEM_INVALID, fault->pointer, "%s", fault->detail);
}

static struct slice copied(const char *text, struct arena *arena)
{
    return arena_copy(arena, slice_of(text));
}

struct value problem_value_http(const struct problem *problem, struct arena *arena)
{
    const struct row *row = &rows[problem->code];
    struct value map = value_map(arena, 6);
    value_set(&map, "type", value_string(arena_format(arena, "urn:patchbay:problem:%s", row->name)));
    value_set(&map, "title", value_string(slice_of(row->title)));
    value_set(&map, "status", value_int(row->status));
    value_set_text(&map, "detail", copied(problem->detail, arena));
    value_set(&map, "code", value_string(slice_of(row->name)));
    value_set_text(&map, "pointer", copied(problem->pointer, arena));
    return map;
}

struct value problem_value_rpc(const struct problem *problem, struct arena *arena)
{
    const struct row *row = &rows[problem->code];
    struct value data = value_map(arena, 3);
    value_set(&data, "status", value_int(row->status));
    value_set(&data, "title", value_string(slice_of(row->title)));
    value_set_text(&data, "pointer", copied(problem->pointer, arena));
    struct value map = value_map(arena, 3);
    value_set(&map, "code", value_string(slice_of(row->name)));
    struct slice detail = copied(problem->detail, arena);
    value_set(&map, "message", value_string(detail.len ? detail : slice_of(row->title)));
    value_set(&map, "data", data);
    return map;
}

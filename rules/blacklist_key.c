#include "rules/blacklist_key.h"

#include "rules/ascii.h"
#include "rules/callerid.h"
#include "rules/email_key.h"

bool blacklist_key_prefix(struct slice *out, struct slice input, struct arena *arena)
{
    struct callerid id;
    enum caller_class why;
    if (input.len > CALLERID_INPUT_MAX || !callerid_read_number(&id, input, &why))
        return false;
    *out = arena_copy(arena, callerid_number(&id));
    return true;
}

bool blacklist_key_domain(struct slice *out, struct slice input, struct arena *arena)
{
    input = ascii_trim(input);
    if (input.len && input.ptr[0] == '@')
        input = ascii_part(input, 1, input.len);
    /* As an address of that domain, so that both are cleaned and folded by the same code. */
    if (input.len > EMAIL_KEY_MAX || ascii_find(input, '@') < input.len || ascii_find(input, '>') < input.len)
        return false;
    struct email_key key;
    if (email_key(&key, arena_format(arena, "a@%.*s", (int)input.len, input.ptr ? input.ptr : ""), arena) !=
        EMAIL_OK)
        return false;
    struct email_key folded = {email_fold(&key, arena)};
    *out = email_domain(&folded);
    return true;
}

#include "proto/sip_privacy.h"

#include "rules/ascii.h"

/* `session` is about media, `history` about others (RFC 7044), `critical` about how hard to try. */
bool sip_privacy_withholds(struct slice privacy)
{
    static const char *const asked[] = {"id", "user", "header", "full", "yes", "hide_number"};
    bool withheld = false;
    for (size_t at = 0; at < privacy.len;) {
        size_t end = at;
        while (end < privacy.len && !ascii_is_one_of(privacy.ptr[end], ";,:"))
            end++;
        struct slice word = ascii_trim(ascii_part(privacy, at, end));
        if (ascii_equal(word, "none"))
            return false;
        for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
            withheld = withheld || ascii_equal(word, asked[i]);
        at = end + 1;
    }
    return withheld;
}

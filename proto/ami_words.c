/* What single values of Asterisk mean. */
#include "proto/ami_calls_internal.h"
#include "rules/ascii.h"

#define CAUSES_MAX 128 /* ITU-T Q.850 */

unsigned ami_number_of(struct slice text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.len && ascii_is_digit(text.ptr[i]) && number < 100000; i++)
        number = number * 10 + (unsigned)(text.ptr[i] - '0');
    return number;
}

/* "prohib_not_screened", "prohib", "unavailable"; or with its number before: "32 (Presentation
 * Prohibited...". */
bool ami_hides(struct slice presentation)
{
    unsigned number = ami_number_of(presentation);
    return ascii_begins(presentation, "prohib") || ascii_begins(presentation, "unavailable") ||
           (number & 0x60) == 0x20 || (number & 0x60) == 0x40;
}

/* The causes of ITU-T Q.850 that people ask for; 0 is what Asterisk says where no cause was given. */
const char *ami_cause_name(unsigned cause)
{
    static const char *const names[CAUSES_MAX] = {[0] = "normal",
                                                  [1] = "unallocated_number",
                                                  [3] = "no_route",
                                                  [16] = "normal",
                                                  [17] = "busy",
                                                  [18] = "no_answer",
                                                  [19] = "no_answer",
                                                  [20] = "absent",
                                                  [21] = "rejected",
                                                  [22] = "number_changed",
                                                  [26] = "answered_elsewhere",
                                                  [27] = "out_of_order",
                                                  [28] = "invalid_number",
                                                  [31] = "normal",
                                                  [34] = "congestion",
                                                  [38] = "out_of_order",
                                                  [42] = "congestion",
                                                  [58] = "not_available",
                                                  [88] = "incompatible",
                                                  [102] = "timeout",
                                                  [127] = "interworking"};
    return cause < CAUSES_MAX && names[cause] ? names[cause] : "other";
}

#include "rules/identity.h"

const char *caller_class_name(enum caller_class value)
{
    static const char *const names[] = {"none",   "anonymous", "extension", "sip_user",
                                        "number", "unknown",   "unusable"};
    return names[value];
}

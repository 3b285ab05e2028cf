#include "storage/pg_text.h"

#include <stdio.h>
#include <string.h>

void pg_text_line(char *out, size_t size, const char *message)
{
    size_t len = message ? strcspn(message, "\r\n") : 0;
    if (len == 0)
        snprintf(out, size, "unknown reason");
    else
        snprintf(out, size, "%.*s", (int)len, message);
}

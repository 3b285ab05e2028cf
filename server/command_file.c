#include "server/command_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "/queues/support/relax~1x" as "queues.support.relax/x" (RFC 6901 section 4). */
static void print_key(const char *pointer)
{
    for (const char *at = pointer + 1; *at; at++) {
        if (*at == '/')
            putchar('.');
        else if (at[0] == '~' && (at[1] == '0' || at[1] == '1'))
            putchar(*++at == '0' ? '~' : '/');
        else
            putchar(*at);
    }
}

void command_print_faults(const char *path, const struct project_faults *faults)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];
        fputs(path, stdout);
        if (fault->line > 0)
            printf(":%" PRIu32, fault->line);
        if (fault->column > 0)
            printf(":%" PRIu32, fault->column);
        fputs(": ", stdout);
        if (fault->pointer[0] == '/') {
            print_key(fault->pointer);
            fputs(": ", stdout);
        }
        puts(fault->detail);
    }
}

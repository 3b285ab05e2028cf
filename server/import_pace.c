#include "server/import_pace.h"

#include <stdbool.h>

void import_pace_took(struct import_pace *pace, uint64_t began_ns, uint64_t ended_ns)
{
    pace->began_ns = began_ns;
    pace->ended_ns = ended_ns;
}

uint64_t import_pace_rest(struct import_pace *pace, uint64_t decided, uint64_t now_ns)
{
    uint64_t rest_ns = 2 * (pace->ended_ns - pace->began_ns);
    uint64_t most_ns = IMPORT_REST_MAX_MS * UINT64_C(1000000);
    uint64_t rested_ns = now_ns - pace->ended_ns; /* while it waited for the file */
    bool gives_way = decided != pace->decided;
    pace->decided = decided;
    rest_ns = rest_ns < most_ns ? rest_ns : most_ns;
    return gives_way && rest_ns > rested_ns ? rest_ns - rested_ns : 0;
}

#include "server/openapi.h"

/* Made by cmake/embed_file.cmake. */
extern const char openapi_json[];
extern const size_t openapi_json_size;

struct slice openapi_text(void)
{
    return (struct slice){openapi_json, openapi_json_size};
}

#include "server/message_buffer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

char *message_buffer_grow(char *bytes, size_t old, size_t size)
{
    if (size <= MESSAGE_BUFFER_HEAP_MAX) {
        bytes = realloc(bytes, size);
        if (!bytes)
            abort();
        return bytes;
    }
    char *moved = old > MESSAGE_BUFFER_HEAP_MAX
                      ? mremap(bytes, old, size, MREMAP_MAYMOVE)
                      : mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (moved == MAP_FAILED)
        abort();
    if (old && old <= MESSAGE_BUFFER_HEAP_MAX) {
        memcpy(moved, bytes, old);
        free(bytes);
    }
    return moved;
}

void message_buffer_free(char *bytes, size_t size)
{
    if (size > MESSAGE_BUFFER_HEAP_MAX)
        munmap(bytes, size);
    else
        free(bytes);
}

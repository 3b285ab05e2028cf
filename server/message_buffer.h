/* Room for a message that grows while it is received. A large one has pages of its own, which are moved and
 * not copied: to copy megabytes takes the loop longer than a turn may. */
#ifndef SERVER_MESSAGE_BUFFER_H
#define SERVER_MESSAGE_BUFFER_H

#include <stddef.h>

#define MESSAGE_BUFFER_HEAP_MAX ((size_t)1 << 20) /* bytes; above it has pages of its own */

/* From `old` bytes (0: none, and `bytes` is NULL) to `size`, which is more; what is in it stays. Never NULL.
 */
char *message_buffer_grow(char *bytes, size_t old, size_t size);
void message_buffer_free(char *bytes, size_t size);

#endif

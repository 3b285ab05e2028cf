/* Takes the address of a Redis server apart:
 *
 *   redis://[user[:password]@]host[:port][/db]      redis://:password@[::1]:6380/2
 *   unix://[user[:password]@]/path[?db=N]
 *
 * The user part is percent-encoded, and so is nothing else. */
#ifndef STORAGE_REDIS_URL_H
#define STORAGE_REDIS_URL_H

#include <stdbool.h>
#include <stddef.h>

#define REDIS_URL_PART_MAX 256 /* user, password, host or path, with the NUL */
#define REDIS_URL_DATABASE_MAX 16383

struct redis_url {
    bool is_socket;
    char host[REDIS_URL_PART_MAX]; /* name, address without brackets, or path of the socket */
    int port;
    int database;
    char user[REDIS_URL_PART_MAX], password[REDIS_URL_PART_MAX]; /* "" when not given */
};

/* NULL on success; else why not, a static text without any part of the URL. */
const char *redis_url_parse(struct redis_url *out, const char *url) __attribute__((warn_unused_result));

#endif

#include "server/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Bytes read, up to size; -1 with errno. Pipes give less than asked for at a time. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = read(fd, buffer + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return (ssize_t)len;
}

static enum file_status read_file(struct slice *out, int fd, size_t max, struct arena *arena, char *why,
                                  size_t why_size)
{
    /* One byte more than allowed tells a file that is too long from one that just fits. */
    char *buffer = arena_alloc(arena, max + 1);
    ssize_t len = read_all(fd, buffer, max + 1);
    if (len < 0) {
        snprintf(why, why_size, "%s", strerror(errno));
        return FILE_UNREADABLE;
    }
    if ((size_t)len > max) {
        snprintf(why, why_size, "larger than %zu bytes", max);
        return FILE_TOO_LONG;
    }
    *out = (struct slice){buffer, (size_t)len};
    return FILE_READ;
}

static bool fail(char *why, size_t why_size)
{
    snprintf(why, why_size, "%s", strerror(errno));
    return false;
}

bool file_read(struct slice *out, const char *path, size_t max, struct arena *arena, char *why,
               size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(why, why_size);
    bool good = read_file(out, fd, max, arena, why, why_size) == FILE_READ;
    close(fd);
    return good;
}

bool file_read_regular(struct slice *out, int fd, size_t max, struct arena *arena, char *why, size_t why_size)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail(why, why_size);
    if (!S_ISREG(status.st_mode)) {
        snprintf(why, why_size, "%s", "not a regular file");
        return false;
    }
    return read_file(out, fd, max, arena, why, why_size) == FILE_READ;
}

enum file_status file_read_input(struct slice *out, size_t max, struct arena *arena, char *why,
                                 size_t why_size)
{
    return read_file(out, STDIN_FILENO, max, arena, why, why_size);
}

/* A ring of bytes under one lock. The writer thread writes the oldest stretch straight from the ring without
 * the lock: bytes that are still counted as used are never overwritten. Lost lines are reported when the ring
 * is empty, which is the first moment when no line can be cut in two by the report. */
#include "server/log_writer.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server/log.h"

#define STRETCH_MAX (64u << 10) /* bytes of one write, so that room comes back in steps */

enum state {
    WRITER_OFF, /* no thread: lines are written by whoever logs */
    WRITER_ON,
    WRITER_CLOSING, /* the thread empties the ring and ends */
    WRITER_STUCK, /* closed while the descriptor took nothing: the thread is left alone, lines are dropped */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    enum state state;
    bool ended;
    int fd;
    log_writer_report report;
    size_t head, used;
    uint64_t dropped, reported;
    char ring[LOG_BUFFER_SIZE];
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* False when the descriptor is broken: what was left is lost. */
static bool write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n >= 0) {
            bytes += n;
            len -= (size_t)n;
        } else if (errno == EAGAIN) {
            /* Somebody who shares the descriptor has made it non-blocking. */
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static uint64_t count_lines(const char *bytes, size_t len)
{
    uint64_t lines = 0;
    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static void write_stretch(void)
{
    const char *from = writer.ring + writer.head;
    size_t len = LOG_BUFFER_SIZE - writer.head;
    len = writer.used < len ? writer.used : len;
    len = len < STRETCH_MAX ? len : STRETCH_MAX;
    pthread_mutex_unlock(&writer.lock);
    uint64_t lost = write_all(writer.fd, from, len) ? 0 : count_lines(from, len);
    pthread_mutex_lock(&writer.lock);
    writer.head = (writer.head + len) % LOG_BUFFER_SIZE;
    writer.used -= len;
    writer.dropped += lost;
}

static void write_report(void)
{
    char line[LOG_LINE_MAX];
    uint64_t dropped = writer.dropped;
    size_t len = writer.report(line, sizeof line, dropped - writer.reported);
    writer.reported = dropped;
    pthread_mutex_unlock(&writer.lock);
    /* On a broken descriptor the report is lost as well; log_writer_dropped() still knows. */
    (void)write_all(writer.fd, line, len);
    pthread_mutex_lock(&writer.lock);
}

static void *write_lines(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&writer.lock);
    for (;;) {
        if (writer.used > 0)
            write_stretch();
        else if (writer.dropped != writer.reported)
            write_report();
        else if (writer.state == WRITER_ON)
            pthread_cond_wait(&writer.changed, &writer.lock);
        else
            break;
    }
    writer.ended = true;
    pthread_cond_broadcast(&writer.changed);
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

static bool start_thread(void)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    /* Signals are the loop's business. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&writer.thread, NULL, write_lines, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error)
        pthread_cond_destroy(&writer.changed);
    errno = error;
    return error == 0;
}

bool log_writer_open(int fd, log_writer_report report)
{
    pthread_mutex_lock(&writer.lock);
    assert(writer.state == WRITER_OFF || writer.state == WRITER_STUCK);
    bool opened = false;
    errno = EBUSY;
    if (writer.state == WRITER_OFF) {
        writer.fd = fd;
        writer.report = report;
        writer.head = writer.used = 0;
        writer.ended = false;
        writer.state = WRITER_ON;
        opened = start_thread();
        if (!opened)
            writer.state = WRITER_OFF;
    }
    pthread_mutex_unlock(&writer.lock);
    return opened;
}

void log_writer_close(unsigned wait_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&writer.lock);
    if (writer.state != WRITER_ON) {
        pthread_mutex_unlock(&writer.lock);
        return;
    }
    writer.state = WRITER_CLOSING;
    pthread_cond_broadcast(&writer.changed);
    int error = 0;
    while (!writer.ended && error != ETIMEDOUT)
        error = pthread_cond_timedwait(&writer.changed, &writer.lock, &until);
    bool ended = writer.ended;
    writer.state = ended ? WRITER_OFF : WRITER_STUCK;
    pthread_mutex_unlock(&writer.lock);
    if (ended) {
        pthread_join(writer.thread, NULL);
        pthread_cond_destroy(&writer.changed);
    } else {
        pthread_detach(writer.thread);
    }
}

static bool has_room(size_t len)
{
    return writer.state != WRITER_STUCK && LOG_BUFFER_SIZE - writer.used >= len;
}

void log_writer_put(struct slice line)
{
    pthread_mutex_lock(&writer.lock);
    if (writer.state == WRITER_OFF) {
        pthread_mutex_unlock(&writer.lock);
        (void)write_all(STDERR_FILENO, line.ptr, line.len);
        return;
    }
    if (has_room(line.len)) {
        size_t at = (writer.head + writer.used) % LOG_BUFFER_SIZE;
        size_t first = LOG_BUFFER_SIZE - at < line.len ? LOG_BUFFER_SIZE - at : line.len;
        memcpy(writer.ring + at, line.ptr, first);
        memcpy(writer.ring, line.ptr + first, line.len - first);
        writer.used += line.len;
        pthread_cond_signal(&writer.changed);
    } else {
        writer.dropped++;
    }
    pthread_mutex_unlock(&writer.lock);
}

uint64_t log_writer_dropped(void)
{
    pthread_mutex_lock(&writer.lock);
    uint64_t dropped = writer.dropped;
    pthread_mutex_unlock(&writer.lock);
    return dropped;
}

#include "server/mail_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>
#include <uv.h>

#include "proto/lmtp.h"

#define REPLY_MAX 1024
#define COMMAND_MAX (LMTP_PATH_MAX + 64)

struct client {
    int fd;
    char *why;
    size_t why_size;
    char in[REPLY_MAX];
    size_t in_len;
};

static bool open_client(struct client *client, const struct settings_address *router)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    struct timeval wait = {.tv_sec = MAIL_CLIENT_WAIT_S};
    bool is_ipv6 = strchr(router->host, ':');
    int bad = is_ipv6 ? uv_ip6_addr(router->host, router->port, &address.v6)
                      : uv_ip4_addr(router->host, router->port, &address.v4);
    client->fd = bad ? -1 : socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd >= 0 && setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) == 0 &&
        setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) == 0 &&
        connect(client->fd, &address.any, is_ipv6 ? sizeof address.v6 : sizeof address.v4) == 0)
        return true;
    snprintf(client->why, client->why_size, "cannot connect: %s", strerror(bad ? EINVAL : errno));
    return false;
}

static bool send_all(struct client *client, struct slice bytes)
{
    while (bytes.len) {
        ssize_t sent = send(client->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0) {
            snprintf(client->why, client->why_size, "cannot send: %s", strerror(errno));
            return false;
        }
        bytes = (struct slice){bytes.ptr + sent, bytes.len - (size_t)sent};
    }
    return true;
}

/* One line into client->why; false when there is none. */
static bool read_line(struct client *client)
{
    for (;;) {
        char *end = memchr(client->in, '\n', client->in_len);
        if (end) {
            size_t len = (size_t)(end - client->in);
            snprintf(client->why, client->why_size, "%.*s", (int)(len && end[-1] == '\r' ? len - 1 : len),
                     client->in);
            client->in_len -= len + 1;
            memmove(client->in, end + 1, client->in_len);
            return true;
        }
        ssize_t len = recv(client->fd, client->in + client->in_len, sizeof client->in - client->in_len, 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0) {
            snprintf(client->why, client->why_size, "the router did not answer: %s",
                     len ? strerror(errno) : "closed");
            return false;
        }
        client->in_len += (size_t)len;
    }
}

/* The last line of a reply, judged. */
static int read_reply(struct client *client)
{
    do {
        if (!read_line(client))
            return EX_TEMPFAIL;
    } while (strlen(client->why) > 3 && client->why[3] == '-');
    if (client->why[0] == '2')
        return EX_OK;
    if (client->why[0] != '5')
        return EX_TEMPFAIL;
    if (strncmp(client->why, "550 5.1.", 8) == 0 || strncmp(client->why, "501 5.1.3", 9) == 0)
        return EX_NOUSER;
    return strncmp(client->why, "501 5.1.7", 9) == 0 ? EX_DATAERR : EX_UNAVAILABLE;
}

static int say(struct client *client, struct slice command)
{
    return send_all(client, command) ? read_reply(client) : EX_TEMPFAIL;
}

/* What can be said between < and > of one line: a line's end in an address would be another command, a > that
 * is not quoted a parameter. */
static bool is_path(const char *address)
{
    bool is_quoted = false;
    size_t len = 0;
    for (; address[len] && len <= LMTP_PATH_MAX; len++) {
        if ((unsigned char)address[len] < ' ' || (address[len] == '>' && !is_quoted))
            return false;
        if (address[len] == '"')
            is_quoted = !is_quoted;
        else if (address[len] == '\\' && is_quoted && (unsigned char)address[len + 1] >= ' ')
            len++;
    }
    return len <= LMTP_PATH_MAX;
}

static int check(struct client *client, const struct mail_client_envelope *envelope)
{
    if (!is_path(envelope->recipient)) {
        snprintf(client->why, client->why_size, "the recipient is no address");
        return EX_NOUSER;
    }
    if (!is_path(envelope->sender)) {
        snprintf(client->why, client->why_size, "the sender is no address");
        return EX_DATAERR;
    }
    return EX_OK;
}

int mail_client_deliver(const struct settings_address *router, const struct mail_client_envelope *envelope,
                        struct slice message, char *why, size_t why_size)
{
    struct client client = {.fd = -1, .why = why, .why_size = why_size};
    int code = check(&client, envelope);
    if (code != EX_OK)
        return code;
    char sender[COMMAND_MAX], recipient[COMMAND_MAX], chunk[64];
    int sender_len =
        snprintf(sender, sizeof sender, "MAIL FROM:<%s> BODY=8BITMIME SMTPUTF8\r\n", envelope->sender);
    int recipient_len = snprintf(recipient, sizeof recipient, "RCPT TO:<%s>\r\n", envelope->recipient);
    int chunk_len = snprintf(chunk, sizeof chunk, "BDAT %zu LAST\r\n", message.len);
    code = open_client(&client, router) ? read_reply(&client) : EX_TEMPFAIL;
    if (code == EX_OK)
        code = say(&client, SLICE("LHLO localhost\r\n"));
    if (code == EX_OK)
        code = say(&client, (struct slice){sender, (size_t)sender_len});
    if (code == EX_OK)
        code = say(&client, (struct slice){recipient, (size_t)recipient_len});
    if (code == EX_OK && !send_all(&client, (struct slice){chunk, (size_t)chunk_len}))
        code = EX_TEMPFAIL;
    if (code == EX_OK)
        code = say(&client, message);
    if (client.fd >= 0)
        close(client.fd);
    return code;
}

/* The order of commands (RFC 5321 4.1.4, RFC 2033 4): which reply each one gets. */
#include "proto/mail.h"
#include "server/lmtp_internal.h"

static void forget_message(struct lmtp_connection *connection)
{
    lmtp_delivery_free(&connection->delivery);
    deadline_stop(&connection->data_deadline); /* the next message has its own */
    if (connection->phase > LMTP_READY)
        connection->phase = LMTP_READY;
}

static void greet(struct lmtp_connection *connection)
{
    forget_message(connection);
    connection->phase = LMTP_READY;
    lmtp_connection_reply(connection, "250-%s", connection->server->host);
    lmtp_connection_reply(connection, "250-PIPELINING");
    lmtp_connection_reply(connection, "250-ENHANCEDSTATUSCODES");
    lmtp_connection_reply(connection, "250-8BITMIME");
    lmtp_connection_reply(connection, "250-SMTPUTF8");
    lmtp_connection_reply(connection, "250-CHUNKING");
    lmtp_connection_reply(connection, "250 SIZE %u", MAIL_SIZE_MAX);
}

static void begin_message(struct lmtp_connection *connection, const struct lmtp_command *command)
{
    struct lmtp_server *server = connection->server;
    if (connection->phase != LMTP_READY)
        lmtp_connection_reply(connection, connection->phase == LMTP_GREETED
                                              ? "503 5.5.1 say LHLO first"
                                              : "503 5.5.1 there is a sender already");
    else if (command->size > MAIL_SIZE_MAX)
        lmtp_connection_reply(connection, "552 5.3.4 a message has at most %u bytes", MAIL_SIZE_MAX);
    else if (server->buffered + command->size > LMTP_BUFFERED_MAX)
        lmtp_connection_reply(connection, "452 4.3.1 too much mail at a time; try again");
    else {
        connection->delivery = lmtp_delivery_alloc(connection, command->path);
        connection->phase = LMTP_HAS_SENDER;
        lmtp_connection_reply(connection, "250 2.1.0 sender accepted");
    }
}

static void add_recipient(struct lmtp_connection *connection, const struct lmtp_command *command)
{
    if (connection->phase != LMTP_HAS_SENDER) {
        lmtp_connection_reply(connection, "503 5.5.1 say MAIL first");
        return;
    }
    const char *refusal = lmtp_delivery_add_recipient(connection->delivery, command->path);
    lmtp_connection_reply(connection, "%s", refusal ? refusal : "250 2.1.5 recipient accepted");
}

static bool has_recipients(const struct lmtp_connection *connection)
{
    return connection->delivery && connection->delivery->recipient_count > 0;
}

static void begin_data(struct lmtp_connection *connection)
{
    if (connection->phase != LMTP_HAS_SENDER || !has_recipients(connection)) {
        lmtp_connection_reply(connection, "503 5.5.1 there is no recipient");
        return;
    }
    connection->chunk_is_refused = false;
    lmtp_begin_data(&connection->reader);
    lmtp_connection_reply(connection, "354 end with a dot on a line of its own");
}

/* The bytes follow whether they are wanted or not. */
static void begin_chunk(struct lmtp_connection *connection, const struct lmtp_command *command)
{
    connection->chunk = *command;
    connection->chunk_is_refused = connection->phase < LMTP_HAS_SENDER || !has_recipients(connection);
    lmtp_begin_chunk(&connection->reader, command->size);
}

void lmtp_session_chunk_end(struct lmtp_connection *connection)
{
    if (connection->chunk_is_refused) {
        deadline_stop(&connection->data_deadline);
        lmtp_connection_reply(connection, "503 5.5.1 there is no recipient");
        return;
    }
    connection->phase = LMTP_HAS_CHUNKS;
    if (connection->chunk.is_last)
        lmtp_delivery_begin(connection->delivery);
    else
        lmtp_connection_reply(connection, "250 2.0.0 chunk accepted");
}

static const char *fault_reply(const struct lmtp_command *command)
{
    switch (command->fault) {
    case LMTP_BAD_PATH:
        return command->verb == LMTP_RCPT ? "501 5.1.3 not an address" : "501 5.1.7 not an address";
    case LMTP_BAD_PARAMETER:
        return "555 5.5.4 there is no such parameter, or not with this value";
    case LMTP_LINE_TOO_LONG:
        return "500 5.5.6 the line is too long";
    case LMTP_BAD_SYNTAX:
    case LMTP_GOOD:
        break;
    }
    return "501 5.5.4 not the syntax of this command";
}

void lmtp_session_command(struct lmtp_connection *connection, const struct lmtp_command *command)
{
    if (++connection->commands > LMTP_COMMANDS_MAX) {
        lmtp_connection_reply(connection, "421 4.7.0 too many commands without a message");
        connection->is_ending = true;
        return;
    }
    if (command->fault != LMTP_GOOD) {
        lmtp_connection_reply(connection, "%s", fault_reply(command));
        /* Nobody knows how many bytes follow a BDAT without a size. */
        connection->is_ending = command->verb == LMTP_BDAT;
        return;
    }
    switch (command->verb) {
    case LMTP_LHLO:
        greet(connection);
        break;
    case LMTP_MAIL:
        begin_message(connection, command);
        break;
    case LMTP_RCPT:
        add_recipient(connection, command);
        break;
    case LMTP_DATA:
        begin_data(connection);
        break;
    case LMTP_BDAT:
        begin_chunk(connection, command);
        break;
    case LMTP_RSET:
        forget_message(connection);
        lmtp_connection_reply(connection, "250 2.0.0 forgotten");
        break;
    case LMTP_NOOP:
        lmtp_connection_reply(connection, "250 2.0.0 nothing done");
        break;
    case LMTP_VRFY:
        lmtp_connection_reply(connection, "252 2.5.0 try to deliver");
        break;
    case LMTP_QUIT:
        lmtp_connection_reply(connection, "221 2.0.0 bye");
        connection->is_ending = true;
        break;
    case LMTP_WRONG_PROTOCOL:
        lmtp_connection_reply(connection, "500 5.5.1 this is LMTP: say LHLO");
        break;
    case LMTP_UNKNOWN:
        lmtp_connection_reply(connection, "500 5.5.2 there is no such command");
        break;
    }
}

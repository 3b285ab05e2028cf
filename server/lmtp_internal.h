/* Shared by the files of the LMTP listener only.
 *
 * A connection reads into one fixed buffer and has at most one write in flight: while replies wait for the
 * socket, or a message for its decisions, nothing more is read. */
#ifndef SERVER_LMTP_INTERNAL_H
#define SERVER_LMTP_INTERNAL_H

#include "proto/lmtp.h"
#include "server/app.h"
#include "server/deadline.h"
#include "server/intake.h"
#include "server/lmtp.h"
#include "server/raw_mail.h"
#include "server/turn.h"

#define LMTP_INPUT_SIZE 65536
#define LMTP_OUTPUT_SIZE 32768
#define LMTP_OUTPUT_FULL (LMTP_OUTPUT_SIZE / 4) /* replies leave before more commands are looked at */
#define LMTP_REPLY_MAX 512                      /* bytes of one reply */
#define LMTP_HOST_MAX 256
#define LMTP_SUBMITS_A_TURN 8 /* recipients that enter the intake in one turn of the loop */

_Static_assert(LMTP_OUTPUT_FULL + (LMTP_RECIPIENTS_MAX + 1) * 230 < LMTP_OUTPUT_SIZE,
               "the replies to one command fit behind those that wait");

enum lmtp_phase { LMTP_GREETED, LMTP_READY, LMTP_HAS_SENDER, LMTP_HAS_CHUNKS };
enum lmtp_wait { LMTP_WAITS_FOR_NOTHING, LMTP_WAITS_FOR_LINE, LMTP_WAITS_IDLY, LMTP_WAITS_FOR_WRITE };

struct lmtp_delivery;

struct lmtp_recipient {
    struct lmtp_delivery *delivery;
    uint32_t project;      /* its id: projects may go while mail is read */
    struct slice address;  /* of the endpoint, canonical */
    struct slice original; /* as the envelope has it, canonical: perhaps with a plus tag */
    struct slice reply;    /* set when it is decided */
    struct raw_mail raw;
};

/* One message under way: from MAIL to the replies. Owns everything that its decisions borrow. */
struct lmtp_delivery {
    uv_work_t work;
    struct lmtp_connection *connection;
    struct arena arena;
    struct slice sender;
    struct lmtp_recipient recipients[LMTP_RECIPIENTS_MAX];
    struct intake_request *requests; /* one for each recipient, once read */
    uint32_t recipient_count, submitted, open;
    struct lmtp_delivery *next; /* that waits to be submitted */
    char *bytes;                /* of the message */
    size_t len, size;
    struct raw_mail_message kept; /* the same, once it is complete */
    bool is_too_large, is_overloaded;
    struct slice refusal; /* of the message for all recipients; empty: it was read */
};

struct lmtp_connection {
    uv_tcp_t tcp;
    struct lmtp_server *server;
    struct lmtp_connection *prev, *next;
    struct lmtp_reader reader;
    enum lmtp_phase phase;
    enum lmtp_wait waits;
    struct lmtp_delivery *delivery; /* NULL before MAIL */
    bool is_delivering, is_writing, is_reading, is_ending, is_closing, is_closed;
    unsigned commands; /* since the last message */
    bool progressed;   /* a command or message was completed: the deadline begins anew */
    struct lmtp_command chunk;
    bool chunk_is_refused;
    struct deadline deadline;      /* of what it waits for */
    struct deadline data_deadline; /* of the message that is being sent, whatever it waits for meanwhile */
    uv_write_t write;
    size_t in_len, out_len;
    char in[LMTP_INPUT_SIZE], out[LMTP_OUTPUT_SIZE], sending[LMTP_OUTPUT_SIZE];
};

struct lmtp_server {
    uv_loop_t *loop;
    struct app *app;
    uv_tcp_t tcp;
    struct deadline_clock clock;
    struct deadline_queue lines, idles, datas, writes;
    struct lmtp_connection connections; /* ring; only its links are used */
    size_t connection_count;
    size_t buffered; /* bytes of messages */
    struct turn turn;
    struct lmtp_delivery *submitting, **submitting_tail; /* read, and not all of them submitted */
    char host[LMTP_HOST_MAX];
    uint16_t port;
    bool quiesced, closing, clock_closing;
    unsigned parts_open;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* lmtp.c */
void lmtp_server_settle(struct lmtp_server *server); /* a connection has gone */

/* lmtp_connection.c */
void lmtp_connection_accept(struct lmtp_server *server);
void lmtp_connection_reply(struct lmtp_connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Sends what is owed and goes on with what was read. */
void lmtp_connection_go_on(struct lmtp_connection *connection);
/* When the replies have left it is closed. */
void lmtp_connection_end(struct lmtp_connection *connection);
void lmtp_connection_cut(struct lmtp_connection *connection);
void lmtp_connection_on_late(struct deadline *deadline);
void lmtp_connection_on_late_data(struct deadline *deadline);

/* lmtp_session.c: the order of commands */
void lmtp_session_command(struct lmtp_connection *connection, const struct lmtp_command *command);
void lmtp_session_chunk_end(struct lmtp_connection *connection);

/* lmtp_delivery.c */
struct lmtp_delivery *lmtp_delivery_alloc(struct lmtp_connection *connection, struct slice sender);
void lmtp_delivery_free(struct lmtp_delivery **delivery);
/* NULL: accepted as the next recipient; else the reply. */
const char *lmtp_delivery_add_recipient(struct lmtp_delivery *delivery, struct slice path);
void lmtp_delivery_add(struct lmtp_delivery *delivery, struct slice content);
/* The message is complete: a reply for each recipient comes later. */
void lmtp_delivery_begin(struct lmtp_delivery *delivery);
void lmtp_delivery_on_turn(void *ctx); /* the server's turn: some wait to be submitted */

#endif

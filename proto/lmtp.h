/* LMTP (RFC 2033) as a server reads it: bytes into commands and the content of messages, and the replies.
 *
 * The reader owns no memory and keeps none: what it gives is borrowed from the input. It follows RFC 5321
 * (lines, dot-stuffing), 1870 (SIZE), 2920 (PIPELINING), 6152 (8BITMIME), 6531 (SMTPUTF8) and 3030 (CHUNKING,
 * BINARYMIME left out). A line ends with CR LF; a bare LF ends one too, as delivery agents' pipes write it,
 * but no message: only CR LF "." CR LF does, so that nobody smuggles a second one in. */
#ifndef PROTO_LMTP_H
#define PROTO_LMTP_H

#include "rules/arena.h"

#define LMTP_LINE_MAX 4096 /* bytes of a command line; longer ones are answered with 500 and skipped */
#define LMTP_PATH_MAX 1024 /* bytes of an address */

enum lmtp_verb {
    LMTP_LHLO,
    LMTP_MAIL,
    LMTP_RCPT,
    LMTP_DATA,
    LMTP_BDAT,
    LMTP_RSET,
    LMTP_NOOP,
    LMTP_VRFY,
    LMTP_QUIT,
    LMTP_WRONG_PROTOCOL, /* HELO, EHLO: this is not SMTP */
    LMTP_UNKNOWN,
};

enum lmtp_fault {
    LMTP_GOOD,
    LMTP_BAD_SYNTAX,    /* 501 5.5.4 */
    LMTP_BAD_PATH,      /* 501 5.1.3 for a recipient, 5.1.7 for a sender */
    LMTP_BAD_PARAMETER, /* 555 5.5.4 */
    LMTP_LINE_TOO_LONG, /* 500 5.5.6 */
};

struct lmtp_command {
    enum lmtp_verb verb;
    enum lmtp_fault fault;
    struct slice argument; /* LHLO: the client's name */
    struct slice path;     /* MAIL, RCPT: without brackets and source route; empty: the null sender */
    uint64_t size;         /* MAIL: as declared, 0 when not; BDAT: bytes that follow */
    bool is_last;          /* BDAT */
};

enum lmtp_mode { LMTP_READS_LINES, LMTP_READS_DATA, LMTP_READS_CHUNK, LMTP_SKIPS_LINE };

struct lmtp_reader {
    enum lmtp_mode mode;
    uint64_t chunk_left;
    unsigned dot_state; /* where in CR LF "." CR LF the data stands */
};

enum lmtp_status {
    LMTP_NEED_MORE,
    LMTP_COMMAND,  /* `command` */
    LMTP_CONTENT,  /* `content` belongs to the message */
    LMTP_DATA_END, /* the message of DATA is complete */
    LMTP_CHUNK_END /* the chunk of BDAT is complete */
};

struct lmtp_step {
    enum lmtp_status status;
    size_t used; /* bytes of the input that are done with */
    struct lmtp_command command;
    struct slice content;
};

void lmtp_reader_init(struct lmtp_reader *reader);
/* One step into the input. On LMTP_NEED_MORE come back with these bytes and more behind them; a line that has
 * grown beyond LMTP_LINE_MAX is not asked for again. */
void lmtp_read(struct lmtp_reader *reader, struct slice input, struct lmtp_step *out);
/* What follows is the message: after 354 was sent for DATA, or at once for BDAT (size bytes). */
void lmtp_begin_data(struct lmtp_reader *reader);
void lmtp_begin_chunk(struct lmtp_reader *reader, uint64_t size);

/* `line` without its end. */
void lmtp_parse(struct lmtp_command *out, struct slice line);

#endif

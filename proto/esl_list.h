/* The answer to `show channels as json`, read as it comes: one channel at a time, so that its length costs no
 * memory. It is a map with `row_count` and, unless that is 0, `rows`: a map of strings for each channel. From
 * where it shows that an answer is something else, it is passed over. */
#ifndef PROTO_ESL_LIST_H
#define PROTO_ESL_LIST_H

#include "proto/esl.h"

#define ESL_LIST_MAX (64u << 20) /* bytes of the whole answer; of a longer one no channel is read */
#define ESL_LIST_ROW_MAX 65536   /* bytes of what it says of one channel */
#define ESL_LIST_AROUND_MAX 256  /* bytes of what stands around the channels */

struct esl_list_place {
    unsigned depth; /* of maps and lists */
    bool in_text, is_escaped;
};

struct esl_list {
    size_t left; /* bytes of the answer that were not read yet */
    struct esl_list_place place;
    bool is_skipped; /* what comes of it: it is too long, or no list */
    bool is_bad;     /* it is no list */
    uint32_t rows;
    char around[ESL_LIST_AROUND_MAX];
    size_t around_len;
};

enum esl_list_status { ESL_LIST_MORE, ESL_LIST_ROW, ESL_LIST_END };

struct esl_list_step {
    enum esl_list_status status;
    size_t used;      /* bytes of the input that are done with */
    struct slice row; /* ROW: borrowed from the input */
    bool is_list;     /* END: it was one: "-ERR ..." is none */
    bool is_whole;    /* END: as many channels as it says there are */
};

/* Of an answer of `length` bytes. */
void esl_list_begin(struct esl_list *list, size_t length);
/* What `input` begins with; its bytes behind the answer's end are left alone. */
void esl_list_read(struct esl_list_step *out, struct esl_list *list, struct slice input);

/* One channel. */
struct esl_channel {
    struct slice id, call, /* `call`: the id of the leg that made it, or its own */
        to, user;          /* what was dialled; of one that was made: whose phone it is, if known */
    bool is_inbound, is_answered, is_hung_up; /* hung up: it is still torn down */
};

/* False: the row is none that JSON knows. The others can be read all the same. */
bool esl_channel_read(struct esl_channel *out, struct slice row, struct arena *arena)
    __attribute__((warn_unused_result));

#endif

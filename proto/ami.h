/* The Asterisk Manager Interface as it is spoken by versions 5 to 13 (Asterisk 13 to 22): a greeting line,
 * then blocks of "Name: value" lines that end with an empty line.
 *
 * Pure: bytes in, blocks out. A block may end with one empty line more; values may hold any bytes but CR and
 * LF; a name may come several times (ChanVariable, Variable). Lines without a colon are skipped: Asterisk
 * writes none outside of command output. */
#ifndef PROTO_AMI_H
#define PROTO_AMI_H

#include "rules/arena.h"

#define AMI_LINE_MAX 8192   /* bytes of one line; longer ones are faults */
#define AMI_HEADERS_MAX 512 /* of a block */
#define AMI_BLOCK_MAX 65536 /* bytes of a block, its end included */
#define AMI_ACTION_MAX 1024 /* bytes of an action that is sent */

enum ami_status {
    AMI_NEED_MORE,
    AMI_BLOCK,
    AMI_BANNER, /* "Asterisk Call Manager/5.0.4": only where the reader expects one */
    AMI_BAD,
};

struct ami_header {
    struct slice name, value;
};

struct ami_block {
    struct ami_header headers[AMI_HEADERS_MAX]; /* borrowed from the bytes */
    uint32_t count;
    struct slice version; /* AMI_BANNER: what stands behind the "/" */
};

/* What stands at the front of `bytes`. *used counts what is taken, also empty lines before a block; with
 * AMI_NEED_MORE it may be such lines alone. `why` is a literal, for AMI_BAD. */
enum ami_status ami_read(struct ami_block *out, struct slice bytes, bool expects_banner, size_t *used,
                         const char **why) __attribute__((warn_unused_result));

/* Names in any case; the first of several. Empty: absent. */
struct slice ami_find(const struct ami_block *block, const char *name);
bool ami_is(const struct ami_block *block, const char *name, const char *value);
/* The value of "ChanVariable: NAME=value"; *found tells an empty one from none. */
struct slice ami_channel_variable(const struct ami_block *block, const char *name, bool *found);

/* "5.0.4" gives 5; 0: not a version. */
unsigned ami_major(struct slice version);

/* An action in the making, for the buffer of its sender. What would end a line is refused: then nothing of
 * the action is left, and ami_action_end() gives empty text. */
struct ami_action {
    char bytes[AMI_ACTION_MAX];
    size_t len;
    bool is_bad;
};

void ami_action_begin(struct ami_action *action, const char *name, struct slice id);
void ami_action_add(struct ami_action *action, const char *name, struct slice value);
struct slice ami_action_end(struct ami_action *action);
/* The Key of a login by challenge: MD5 of challenge and secret, as 32 hexadecimal digits. */
void ami_login_key(char out[33], struct slice challenge, struct slice secret);

#endif

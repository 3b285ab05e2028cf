/* Takes a caller id apart: display name, scheme, user, host, the parameters that matter. Nothing is decoded
 * or copied.
 *
 * Lenient on purpose: what gateways send is rarely a whole URI (RFC 3261 25.1, RFC 3966 3), and a caller id
 * must not be lost over a missing bracket. Linear in the length of the input. */
#ifndef RULES_CALLERID_URI_H
#define RULES_CALLERID_URI_H

#include "rules/types.h"

struct callerid_uri {
    struct slice display; /* without its quotes */
    struct slice user;    /* may still hold percent escapes when is_uri */
    struct slice host;
    struct slice context; /* of ;phone-context= */
    bool is_uri;          /* a scheme or a host was there */
    bool is_name;         /* a scheme that never carries a number ("client:") */
    bool is_private;      /* ;privacy= or the host says that the caller id is withheld */
};

void callerid_uri_split(struct callerid_uri *out, struct slice input);

/* Writes `text` with its percent escapes (RFC 3986 2.1) decoded into `out`, which has room for text.len
 * bytes; a broken escape stays as it is. Returns the length. */
size_t callerid_uri_decode(char *out, struct slice text);

#endif

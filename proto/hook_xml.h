/* XML that answers hold: text only, no reading. */
#ifndef PROTO_HOOK_XML_H
#define PROTO_HOOK_XML_H

#include "rules/arena.h"

#define HOOK_XML_TYPE "application/xml"
#define HOOK_XML_HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"

/* With & < > " ' as references; what XML cannot hold (control characters, bytes that are no UTF-8) is left
 * out or replaced. */
struct slice hook_xml_text(struct slice text, struct arena *arena);

#endif

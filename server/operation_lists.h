/* Lists of customers, and what belongs to them: chosen columns, tags of one and of many. The statements are
 * made by migration 0012; what needs canonical keys and times is made here. */
#ifndef SERVER_OPERATION_LISTS_H
#define SERVER_OPERATION_LISTS_H

#include "server/operation.h"

#define LIST_CURSOR_MAX 1024     /* bytes of `after` */
#define LIST_TEXTS_SIZE_MAX 4224 /* bytes of a list in a query: as many tags as one customer may have */
#define LIST_TEXTS_MAX 64        /* of them */
#define LIST_COLUMNS_MAX 40
#define LIST_COLUMN_SIZE_MAX 207 /* bytes of a column's name: "fields." and a field's */
#define LIST_FIELDS_MAX 20       /* conditions on custom fields */

void operation_list_customers(struct operation_call *call);
void operation_put_columns(struct operation_call *call);
void operation_tag_customer(struct operation_call *call);
void operation_tag_customers(struct operation_call *call);

#endif

/* The route table: whoever adds an operation adds its row here and its path to docs/openapi.json. Events come
 * first, since they come most. */
#include "server/operation.h"

#include "rules/project_config.h"
#include "server/operation_blacklist.h"
#include "server/operation_commands.h"
#include "server/operation_config.h"
#include "server/operation_customers.h"
#include "server/operation_datasheets.h"
#include "server/operation_download.h"
#include "server/operation_events.h"
#include "server/operation_explain.h"
#include "server/operation_feed.h"
#include "server/operation_import.h"
#include "server/operation_link.h"
#include "server/operation_mail.h"
#include "server/operation_records.h"
#include "server/operation_sql.h"
#include "server/operation_views.h"
#include "server/operations_bulk.h"
#include "server/operations_lists.h"
#include "server/operations_owners.h"
#include "server/operations_params.h"
#include "server/operations_screen.h"

#define PRODUCERS (ROLE_BIT(ROLE_SOURCE) | ROLE_BIT(ROLE_SUPERVISOR) | ROLE_BIT(ROLE_ADMIN))
#define ADMINS ROLE_BIT(ROLE_ADMIN)
#define SUPERVISORS (ROLE_BIT(ROLE_SUPERVISOR) | ADMINS)
#define POOL_ADMINS (ROLE_BIT(ROLE_POOL_ADMIN) | ADMINS)
#define REPLIERS (PEOPLE | ROLE_BIT(ROLE_SOURCE))
#define PEOPLE (ROLE_BIT(ROLE_AGENT) | ROLE_BIT(ROLE_POOL_ADMIN) | SUPERVISORS)

static params list_by_name = {LIMIT, AFTER_NAME, END};
static params presence = {
    {"agent", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
    {"state", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX},
    {"reason", PARAM_TEXT, 0, 0, PRESENCE_REASON_MAX},
    {"lease", PARAM_INT, 0, 0, PRESENCE_LEASE_MAX_S},
    END,
};
static params feed = {
    {"agent", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
    {"after", PARAM_TEXT, 0, 1, SEQUENCE_TEXT_MAX},
    LIMIT,
    END,
};
static params stream = {
    {"agent", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, {"after", PARAM_TEXT, 0, 1, SEQUENCE_TEXT_MAX}, END};
static params offer = {{"offer", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params offer_cause = {
    {"offer", PARAM_UUID, PARAM_REQUIRED, 0, 0}, {"cause", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, END};
static params interaction = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params kept_mail = {
    {"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0}, {"mail", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params decision = {{"sequence", PARAM_TEXT, PARAM_REQUIRED, 1, SEQUENCE_TEXT_MAX}, END};
static params transfer = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                          {"queue", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
                          {"agent", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
                          {"keep_age", PARAM_BOOL, 0, 0, 0},
                          END};
static params assign = {{"interaction", PARAM_UUID, PARAM_REQUIRED, 0, 0},
                        {"agent", PARAM_TEXT, PARAM_REQUIRED, 1, CONFIG_NAME_MAX},
                        END};
static params interactions = {{"state", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX}, LIMIT, AFTER_ID, END};
static params customer = {CUSTOMER_ID, END};
static params customer_new = {CUSTOMER_MEMBERS, END};
static params customer_edit = {CUSTOMER_ID, {"version", PARAM_INT, 0, 1, INT64_MAX}, CUSTOMER_MEMBERS, END};
static params block_new = {
    {"customer", PARAM_UUID, 0, 0, 0},
    {"phone", PARAM_TEXT, 0, 1, BLOCK_VALUE_MAX},
    {"email", PARAM_TEXT, 0, 1, BLOCK_VALUE_MAX},
    {"domain", PARAM_TEXT, 0, 1, BLOCK_VALUE_MAX},
    {"prefix", PARAM_TEXT, 0, 1, BLOCK_VALUE_MAX},
    {"channels", PARAM_LIST, 0, 1, CHANNEL_COUNT},
    {"until", PARAM_TEXT, 0, 1, CONFIG_NAME_MAX},
    {"reason", PARAM_TEXT, 0, 0, BLOCK_REASON_MAX},
    END,
};
static params block = {{"id", PARAM_UUID, PARAM_REQUIRED, 0, 0}, END};
static params blocks = {{"active", PARAM_BOOL, 0, 0, 0}, LIMIT, AFTER_ID, END};
static params config_version = {{"version", PARAM_INT, 0, 1, INT64_MAX}, END};
static params config_file = {{"file", PARAM_DOCUMENT, PARAM_REQUIRED, 0, INT64_MAX}, END};

/* clang-format off */
const struct operation operations[] = {
    {"POST", "events", NULL, PRODUCERS, operation_publish_http, NULL, "Publish events", NULL, true},
    {"POST", NULL, "event.publish", PRODUCERS, operation_publish_rpc, NULL, "Publish an event", NULL, true},
    {"POST", NULL, "event.publish_batch", PRODUCERS, operation_publish_batch_rpc, NULL, "Publish up to 1,000 events", NULL, true},

    {"PUT", "agents/{agent}/presence", "presence.set", PEOPLE, operation_set_presence, NULL, "Set an agent's presence", presence, false},
    {"POST", "offers/{offer}/accept", "offer.accept", PEOPLE, operation_accept_offer, NULL, "Accept an offer", offer, false},
    {"POST", "offers/{offer}/reject", "offer.reject", PEOPLE, operation_reject_offer, NULL, "Reject an offer", offer_cause, false},
    {"POST", "interactions/{interaction}/end", "interaction.end", PEOPLE, operation_end_interaction, NULL, "End an interaction", interaction, false},
    {"POST", "interactions/{interaction}/transfer", "interaction.transfer", PEOPLE, operation_transfer_interaction, NULL, "Transfer an interaction to a queue or an agent", transfer, false},
    {"POST", "interactions/{interaction}/assign", "interaction.assign", SUPERVISORS, operation_assign_interaction, NULL, "Offer an interaction to an agent", assign, false},
    {"POST", "interactions/{interaction}/pull", "interaction.pull", PEOPLE, operation_pull_interaction, NULL, "Take an interaction that waits", interaction, false},
    {"POST", "interactions/{interaction}/mute", "interaction.mute", PEOPLE, operation_sql, "interaction_mute", "Hear no more of a conversation", interaction, false},
    {"POST", "interactions/{interaction}/unmute", "interaction.unmute", PEOPLE, operation_sql, "interaction_unmute", "Hear of a conversation again", interaction, false},

    {"GET", "agents/{agent}/feed", "feed.read", PEOPLE, operation_read_feed, NULL, "Read an agent's feed", feed, false},
    {"GET", "agents/{agent}/stream", NULL, PEOPLE, operation_stream_feed, NULL, "Follow an agent's feed as server-sent events", stream, false},
    {"GET", NULL, "feed.subscribe", PEOPLE, operation_subscribe_feed, NULL, "Follow an agent's feed as notifications", stream, false},

    {"GET", "queues", "queue.list", PEOPLE, operation_sql, "list_queues", "List queues with what waits", list_by_name, false},
    {"GET", "agents", "agent.list", PEOPLE, operation_sql, "list_agents", "List agents with what they hold", list_by_name, false},
    {"GET", "interactions", "interaction.list", PEOPLE, operation_list_interactions, "list_interactions", "List interactions", interactions, false},
    {"GET", "interactions/{interaction}", "interaction.get", PEOPLE, operation_get_interaction, "interaction_get", "Read an interaction", interaction, false},
    {"GET", "interactions/{interaction}/why", "interaction.why", PEOPLE, operation_why, NULL, "Say why an interaction is where it is", interaction, false},
    {"POST", "interactions/{interaction}/customer", "interaction.customer", PEOPLE, operation_link_customer, NULL, "Say whom an interaction is about", interaction_customer, false},
    {"GET", "interactions/{interaction}/reply", "interaction.reply", REPLIERS, operation_mail_reply, "interaction_reply", "Read how a mail is answered", interaction, false},
    {"GET", "interactions/{interaction}/mails", "interaction.mails", PEOPLE, operation_sql, "interaction_mails", "List the mails of an interaction that are kept", interaction, false},
    {"GET", "interactions/{interaction}/mails/{mail}", NULL, PEOPLE, operation_mail_raw, "interaction_mail", "Read a mail as it came", kept_mail, false},
    {"GET", "forms", "form.list", PEOPLE, operation_get_forms, NULL, "Read what agents fill in: fields of customers, datasheets", NULL, false},
    {"GET", "interactions/{interaction}/datasheet/{name}", "interaction.datasheet", PEOPLE, operation_get_datasheet, "datasheet_get", "Read a datasheet", datasheet, false},
    {"PUT", "interactions/{interaction}/datasheet/{name}", "interaction.fill_datasheet", PEOPLE, operation_put_datasheet, "datasheet_put", "Fill in a datasheet", datasheet_fields, false},
    {"GET", "decisions/{sequence}/explain", "decision.explain", PEOPLE, operation_explain_decision, NULL, "Say why a decision was made", decision, false},

    {"POST", "customers", "customer.create", PEOPLE, operation_create_customer, NULL, "Create a customer", customer_new, false},
    {"GET", "customers", "customer.list", PEOPLE, operation_list_customers, NULL, "List or search customers", customer_list, false},
    {"POST", "customers/search", "customer.search", PEOPLE, operation_list_customers, NULL, "Search customers by conditions on any field", customer_search, false},
    {"GET", "customers/columns", "customer.columns", PEOPLE, operation_sql, "customer_columns_get", "Read the columns that lists show you", nothing, false},
    {"PUT", "customers/columns", "customer.set_columns", PEOPLE, operation_put_columns, "customer_columns_put", "Choose the columns that lists show you", columns, false},
    {"GET", "customers/mine", "customer.mine", PEOPLE, operation_sql, "customers_mine", "List your customers, what is newest first", mine, false},
    {"GET", "customers/mine/next", "customer.next", PEOPLE, operation_sql, "customers_next", "Read the next of your customers", neighbour, false},
    {"GET", "customers/mine/previous", "customer.previous", PEOPLE, operation_sql, "customers_previous", "Read the previous of your customers", neighbour, false},
    {"POST", "customers/batch/tags", "customer.batch_tag", PEOPLE, operation_tag_customers, "customer_batch_tags", "Tag many customers", batch_tags, false},
    {"POST", "customers/{customer}/tags", "customer.tag", PEOPLE, operation_tag_customer, NULL, "Set, add or remove tags of a customer", customer_tags, false},
    {"POST", "customers/{customer}/follow", "customer.follow", PEOPLE, operation_sql, "customer_follow", "Follow a customer", customer, false},
    {"POST", "customers/{customer}/unfollow", "customer.unfollow", PEOPLE, operation_sql, "customer_unfollow", "No longer follow a customer", customer, false},
    {"POST", "customers/{customer}/read", "customer.read", PEOPLE, operation_sql, "customer_read", "Mark a customer as read", customer, false},
    {"GET", "tags", "tag.list", PEOPLE, operation_sql, "tag_list", "List tags with how many customers have them", tag_list, false},
    {"GET", "customers/duplicates", "customer.duplicates", PEOPLE, operation_sql, "customer_duplicates", "List customers that share a phone or an e-mail address", customer_duplicates, false},
    {"POST", "customers/import", NULL, SUPERVISORS, operation_import_customers, NULL, "Import customers from CSV", customers_import, true},
    {"GET", "customers/export", NULL, SUPERVISORS, operation_export_customers, NULL, "Export customers as CSV", customers_export, false},
    {"GET", "imports", "import.list", SUPERVISORS, operation_sql, "import_list", "List imports, newest first", imports_page, false},
    {"GET", "imports/{import}", "import.get", SUPERVISORS, operation_sql, "import_get", "Say how far an import is", import_id, false},
    {"GET", "imports/{import}/errors", NULL, SUPERVISORS, operation_import_errors, NULL, "Read the rows that an import did not take, as CSV", import_id, false},
    {"POST", "customers/batch/delete", "customer.batch_delete", PEOPLE, operation_batch_facts, "customer_batch_delete", "Delete many customers", customers_chosen, false},
    {"DELETE", "customers/{customer}", "customer.delete", PEOPLE, operation_change_facts, "customer_delete", "Delete a customer", customer, false},
    {"POST", "customers/{customer}/erase", "customer.erase", PEOPLE, operation_erase_customer, NULL, "Erase all of a person", customer, false},
    {"POST", "customers/{customer}/merge", "customer.merge", PEOPLE, operation_change_facts, "customer_merge", "Make another customer part of this one", customer_pair, false},
    {"POST", "customers/{customer}/unmerge", "customer.unmerge", PEOPLE, operation_change_facts, "customer_unmerge", "Undo a merge", customer_pair, false},
    {"GET", "customers/{customer}", "customer.get", PEOPLE, operation_get_customer, NULL, "Read a customer", customer, false},
    {"PATCH", "customers/{customer}", "customer.edit", PEOPLE, operation_edit_customer, NULL, "Edit a customer", customer_edit, false},
    {"PUT", "customers/{customer}", NULL, PEOPLE, operation_edit_customer, NULL, "Edit a customer", customer_edit, false},
    {"POST", "customers/batch/share", "customer.batch_share", PEOPLE, operation_batch, "customer_batch_share", "Share many customers", customers_share, false},
    {"POST", "customers/batch/cancel_share", "customer.batch_cancel_share", PEOPLE, operation_batch, "customer_batch_cancel_share", "Cancel the sharing of many customers", customers_cancel_share, false},
    {"POST", "customers/{customer}/share", "customer.share", PEOPLE, operation_sql, "customer_share", "Share a customer", customer_share, false},
    {"GET", "customers/{customer}/shares", "customer.shares", PEOPLE, operation_sql, "customer_shares", "List whom a customer is shared with", customer, false},
    {"POST", "customers/{customer}/contacts", "customer.add_contact", PEOPLE, operation_change_contact, "customer_contact", "Add a contact", contact_new, false},
    {"PATCH", "customers/{customer}/contacts/{position}", "customer.edit_contact", PEOPLE, operation_change_contact, "customer_contact", "Edit a contact", contact_edit, false},
    {"DELETE", "customers/{customer}/contacts/{position}", "customer.remove_contact", PEOPLE, operation_remove_contact, "customer_contact", "Remove a contact", contact_removal, false},

    {"POST", "customers/batch/assign", "customer.batch_assign", PEOPLE, operation_assign_customers, "customers_assign", "Assign customers evenly and in turn", customers_assign, false},
    {"POST", "customers/batch/regroup", "customer.batch_regroup", PEOPLE, operation_batch, "customers_regroup", "Move customers to another pool", customers_regroup, false},
    {"POST", "customers/batch/return", "customer.batch_return", PEOPLE, operation_return_customers, "customers_return", "Return customers to a pool", customers_return, false},
    {"POST", "customers/{customer}/assign", "customer.assign", PEOPLE, operation_assign_customer, "customer_assign", "Assign a customer", customer_assign, false},
    {"POST", "customers/{customer}/return", "customer.return", PEOPLE, operation_return_customer, "customer_return", "Return a customer to a pool", customer_return, false},
    {"POST", "customers/{customer}/pick_up", "customer.pick_up", PEOPLE, operation_change_customer, "customer_pick_up", "Pick a customer up from its pool", customer, false},
    {"GET", "customers/{customer}/log", "customer.log", PEOPLE, operation_read_customer_log, "customer_log", "Read what was done with a customer", customer_log, false},
    {"GET", "reminders", "reminder.list", PEOPLE, operation_sql, "reminder_list", "List the caller's customers that go back to their pool soon", pools, false},

    {"POST", "pools", "pool.create", POOL_ADMINS, operation_create_pool, "pool_create", "Create a pool", pool_new, false},
    {"GET", "pools", "pool.list", PEOPLE, operation_sql, "pool_list", "List pools", pools, false},
    {"GET", "pools/{pool}", "pool.get", PEOPLE, operation_sql, "pool_get", "Read a pool", pool, false},
    {"PATCH", "pools/{pool}", "pool.edit", PEOPLE, operation_sql, "pool_edit", "Edit a pool", pool_edit, false},
    {"DELETE", "pools/{pool}", "pool.delete", PEOPLE, operation_sql, "pool_delete", "Delete an empty pool", pool, false},
    {"PUT", "pools/{pool}/members/{agent}", "pool.put_member", PEOPLE, operation_sql, "pool_put_member", "Make an agent a member or an administrator of a pool", pool_member_new, false},
    {"DELETE", "pools/{pool}/members/{agent}", "pool.remove_member", PEOPLE, operation_sql, "pool_remove_member", "Take an agent out of a pool", pool_member, false},

    {"POST", "blacklist", "blacklist.add", PEOPLE, operation_add_block, NULL, "Block a customer, a key, a domain or a prefix", block_new, false},
    {"GET", "blacklist", "blacklist.list", PEOPLE, operation_list_blocks, "blacklist_list", "List blocks", blocks, false},
    {"DELETE", "blacklist/{id}", "blacklist.lift", PEOPLE, operation_lift_block, NULL, "Lift a block", block, false},

    {"PUT", "config", NULL, ADMINS, operation_put_config_http, NULL, "Put a new version of the project file", NULL, true},
    {"PUT", NULL, "config.put", ADMINS, operation_put_config_rpc, NULL, "Put a new version of the project file", config_file, false},
    {"GET", "config", "config.get", SUPERVISORS, operation_sql, "config_get", "Read the project file", config_version, false},

    {NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, false},
};
/* clang-format on */

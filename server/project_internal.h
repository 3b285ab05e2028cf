/* Private to project.c, intake.c, batch.c, flight.c, owner.c and changes.c. */
#ifndef SERVER_PROJECT_INTERNAL_H
#define SERVER_PROJECT_INTERNAL_H

#include "server/announce.h"
#include "server/audit.h"
#include "server/clock.h"
#include "server/customer_index.h"
#include "server/facts.h"
#include "server/gateway_orphans.h"
#include "server/intake.h"
#include "rules/machine_mail.h"
#include "server/known_keys.h"
#include "server/known_writers.h"
#include "proto/mail_token.h"
#include "server/project.h"
#include "server/query_params.h"
#include "server/settings.h"
#include "server/turn.h"
#include "server/upkeep.h"
#include "server/waits.h"
#include "storage/batch_store.h"

#define PROJECT_BATCHES (CORE_BATCHES_MAX + 2) /* one is made and one is told meanwhile */
#define PROJECT_STACK_MIN 32                   /* requests that a batch on top of another is worth */
#define PROJECT_ROWS_MAX 1024                  /* inputs of one commit, timers and changes included */
#define PROJECT_RETRY_MS 1000                  /* between tries to own it */
#define PROJECT_HOUSEKEEPING_MS 250            /* deadlines of requests, renewal of the lease */
#define PROJECT_CLOSE_WAIT_MS 2000             /* for the database, when a project is given back */
#define PROJECT_COMMIT_WAIT_NS                                                                               \
    (UINT64_C(10) * 1000000000)                 /* a batch that is not answered then has lost its link */
#define PROJECT_OUTDATED_MAX 2                  /* tries of a batch that links somebody: see flight.c */
#define PROJECT_CHANGES_KEPT 1000               /* of the change list, besides what is not taken over */
#define PROJECT_TRIM_PAGE 2000                  /* changes dropped at once */
#define PROJECT_KNOWN_PAGE 1000                 /* journal rows whose keys are read at once */
#define PROJECT_LOAD_PAGE 1000                  /* open interactions read at once */
#define PROJECT_CLOCK_SKEW_MS INT64_C(86400000) /* an event's time may be so far ahead */

enum project_state {
    PROJECT_STANDBY,
    PROJECT_ACQUIRING,
    PROJECT_LOADING,
    PROJECT_OWNED,
    PROJECT_SETTLING, /* the commit in flight was lost: is it in? */
    PROJECT_CLOSING,
    PROJECT_CLOSED,
};

struct request_list {
    struct intake_request *first, **tail;
    size_t count;
};

struct loaded_config {
    struct arena arena;
    struct project_config config;
    uint64_t version;
    bool reads_fields; /* some rule reads customer.fields */
    struct mail_keys mail_keys;
};

/* Requests whose facts are being looked up. */
struct resolution {
    struct project *project; /* NULL: given up while its query was under way */
    struct request_list requests;
    uint64_t generation;
    uint64_t seen;  /* the journal's last row when it began */
    unsigned asked; /* questions that are not answered yet */
    bool failed;    /* one of them */
    uint64_t asked_ns;
};

/* A mail that a batch has counted in the budgets. */
struct counted_mail {
    struct mail_seen seen;
    struct mail_limits limits;
    struct counted_mail *next;
};

/* A decided batch on its way to the database. */
struct batch {
    struct arena arena;
    struct request_list requests; /* those with a row, in order; a detached one is gone */
    struct batch_row rows[PROJECT_ROWS_MAX];
    struct intake_request *row_requests[PROJECT_ROWS_MAX]; /* NULL: timer, change, or detached */
    size_t row_count;
    struct request_list refused;  /* answered with the batch */
    struct counted_mail *counted; /* the last one first; given back when the batch comes to nothing */
    struct announced announced;
    uint64_t seq_before, seq_after; /* the journal's last row without and with it */
    uint64_t started_ns;
    bool configures;
    bool in_flight;
    bool disowned;    /* its requests were told that nobody knows: they may come again before it is settled */
    size_t changes;   /* how many of the waiting changes it carries */
    size_t touched;   /* how many customers it touched in the cache of facts */
    uint32_t audited; /* how many findings of the auditor it carries */
};

/* How far what the journal knows is loaded: from the newest row back to the beginning of the longest window.
 */
struct known_load {
    int64_t from_ms;             /* what is older is not read */
    uint64_t before_seq;         /* the rows from here on are in */
    bool asked, stale, complete; /* stale: the page under way belongs to an earlier ownership */
    bool keys_full;              /* no more keys are taken, but mails still are */
};

struct change {
    enum input_kind kind; /* INPUT_BLOCK or INPUT_UNBLOCK */
    struct block block;
    struct change *next;
    char key[]; /* of the block */
};

struct settled_waiter {
    struct settled_waiter *next;
    void (*on_settled)(void *ctx, bool settled);
    void *ctx;
    uint64_t version; /* the facts that must be taken over; 0: not known yet */
    bool asked;       /* a reading that began after it came is under way */
};

struct project {
    struct app *app;
    struct project *next;
    uint32_t id;
    char *name;
    enum project_state state;
    uint64_t epoch, journal_seq, facts_version, published_seq;
    bool has_core;
    bool reloading; /* nobody else has it: what comes meanwhile waits */
    struct core core;
    struct waits waits;
    struct loaded_config *config, *next_config;
    struct uuid load_after;
    uint64_t taken_config;                /* the version that the journal's last row was decided with */
    char owner_address[SETTINGS_URL_MAX]; /* of who owns it instead */
    struct request_list queue, immediate; /* immediate: refused at the door, told next turn */
    struct table pending;
    struct facts_cache *facts;
    struct known_keys *known;      /* events and conversations of the idempotency window */
    struct known_writers *writers; /* of mail, in the same time */
    struct known_load known_load;
    struct mail_budget *mail_budget;
    struct customer_index index;
    struct resolution *resolving;
    struct request_list ready; /* resolved, for the next batch; while one commits, more of them gather here */
    uint64_t ready_seen;       /* what the oldest of their questions saw of the journal */
    struct batch *batch;       /* the one that is made */
    struct batch *flights[CORE_BATCHES_MAX]; /* decided, on their way to the database; oldest first */
    uint32_t flight_count;
    uint64_t replied_ns;  /* when the last of them was answered */
    struct batch *untold; /* committed, and not told yet, or NULL */
    struct batch *idle[PROJECT_BATCHES];
    uint32_t idle_count;
    bool single; /* a batch failed with another on top of it: one at a time until one is in */
    struct batch_store *store;
    struct audit audit;
    size_t batch_limit; /* lowered to find the row that the database refuses */
    unsigned refusals;  /* in a row, of the batch */
    unsigned outdated;  /* in a row, batches whose facts had moved on */
    bool changes_wanted, changes_asked, config_wanted, examining, renewing, releasing;
    struct change *changes, **changes_tail;
    size_t change_count;
    uint64_t trimmed_version, trim_to; /* of the change list in the database */
    bool trimming;
    struct upkeep upkeep;
    struct gateway_orphans orphans;
    uint64_t filled_version,
        fill_version; /* of the configuration whose indexed fields are filled, are being */
    bool filling;
    struct settled_waiter *waiters;
    struct turn turn;
    uv_timer_t core_timer, housekeeping;
    int64_t retry_at_ms, renewed_ms;
    int64_t committed_ms; /* the last batch */
    unsigned replies;     /* callbacks of links still to come */
    unsigned holds;       /* of people's questions */
    unsigned handles;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

void request_list_init(struct request_list *list);
void request_list_push(struct request_list *list, struct intake_request *request);
void request_list_prepend(struct request_list *list, struct request_list *front); /* empties front */
void request_list_append(struct request_list *list, struct request_list *back);   /* empties back */
struct intake_request *request_list_pop(struct request_list *list);
bool request_list_is_over(const struct request_list *list, int64_t now); /* its first has waited too long */

/* intake.c */
void intake_finish(struct intake_request *request); /* answered: waiters, then on_done */
void intake_refuse(struct intake_request *request, enum problem_code code, const char *pointer,
                   const char *detail);
void intake_refuse_all(struct request_list *list, enum problem_code code, const char *detail);
void intake_tell_immediate(struct project *project);
void intake_expire(struct project *project); /* requests that waited too long for storage */
void intake_fail_unavailable(struct project *project,
                             struct request_list *list); /* not_owner or storage_unavailable */

void intake_note_machine(struct intake_request *request, enum machine_class class, struct slice sign);

/* mail_meter.c */
void mail_meter(struct project *project, struct intake_request *request,
                int64_t now); /* before it is decided */
/* What the batch counted, back to `until`, counts no more: it was not committed, and may come again. */
void mail_meter_give_back(struct project *project, struct batch *batch, const struct counted_mail *until);
int64_t mail_meter_from_ms(const struct project *project); /* what is older counts no more */
/* A mail that was counted before a restart. The newest come first. */
void mail_meter_recall(struct project *project, const struct input *input, int64_t at_ms);

/* resolve.c */
void resolution_start(struct project *project); /* takes requests from the queue */
void resolution_give_up(
    struct project *project); /* what is resolved or being resolved goes back to the queue's front */
void resolution_cut_late(struct project *project); /* a question that nobody answers has lost its link */
void resolution_free(struct resolution **resolution);
bool request_facts_ready(struct project *project, struct intake_request *request);
void request_unpin(struct project *project, struct intake_request *request);

/* known_load.c */
int64_t known_from_ms(const struct project *project); /* what was decided before is not looked for */
void known_load_start(struct project *project);       /* the project is owned now */
void known_load_go_on(struct project *project);       /* after a reader that was away; lets old keys go */
void known_forget(struct project *project);
void known_add(struct project *project, const struct intake_request *request, const struct outcome *outcome,
               int64_t at_ms);

/* decide.c */
void batch_decide(struct project *project); /* begins the core's transaction and fills the batch */
void batch_refuse(struct intake_request *request, enum refusal refusal);

/* batch.c */
struct batch *batch_alloc(void);
void batch_free(struct batch **batch);
void project_pump(struct project *project);
void batch_reset(struct batch *batch);
void batch_make_ready(struct project *project, struct batch *batch); /* answers and announcements */
void batch_tell_committed(struct project *project);                  /* what nobody has heard of yet */
/* Answers that need no commit: repeats and refusals, and those that share the batch's fate no longer. */
void batch_tell_refused(struct batch *batch);

/* flight.c */
void flight_start(struct project *project);                /* the batch that was made; or takes it back */
void flight_settle(struct project *project, uint64_t seq); /* the journal's last row says what is in */
void flight_discard_requests(struct project *project);     /* uncertain and over: tells storage_unavailable */
void flight_expire(struct project *project, int64_t now);  /* the same, of what has waited too long */
bool flight_is_disowned(const struct project *project);
bool flight_is_late(const struct project *project); /* the link says nothing any more */
void flight_drop(struct project *project);          /* none in doubt may slip into a later ownership */

/* owner.c */
void owner_acquire(struct project *project);
void owner_stand_down(struct project *project, const char *why);
void owner_reload(struct project *project, const char *why); /* what is undone by loading it again */
void owner_settle(struct project *project);
void owner_renew(struct project *project);
void owner_examine(struct project *project); /* the fence held no more: why? */
void owner_release(struct project *project);
void owner_drop(struct project *project); /* the core and all that hangs on it */
void project_enter(struct project *project, enum project_state state);
/* Asks on the writer's link; false when it is not up. */
bool project_ask(struct project *project, const char *name, const struct query_params *params,
                 pg_on_reply on_reply);
bool project_query(struct project *project, struct pg_link *link, const struct pg_query *query,
                   pg_on_reply on_reply);
void project_reply_done(struct project *project); /* at the end of each callback of project_query */

/* load.c */
void load_start(struct project *project);
bool config_ask(struct project *project, uint64_t version, pg_on_reply on_reply); /* 0: the current one */
struct loaded_config *config_load(struct project *project,
                                  const struct pg_reply *reply);            /* NULL: unreadable, logged */
void config_replace(struct project *project, struct loaded_config *loaded); /* takes it */
void config_drop(struct loaded_config **loaded);                            /* NULL is fine */

/* changes.c */
void changes_read(struct project *project);
void changes_settle(struct project *project, bool settled);
void changes_clear(struct project *project);
void changes_add(struct project *project, enum input_kind kind, const struct block *block); /* copies it */
void field_index_fill(struct project *project); /* a page, and the next when it is done */
void changes_trim(struct project *project);     /* a page of what is taken over, on the desk's link */

#endif

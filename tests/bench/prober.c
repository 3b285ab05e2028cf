#include "tests/bench/prober.h"

#include <endian.h>
#include <errno.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/libpq.h"
#include "storage/redis_url.h"

#define INPUT_SIZE 48 /* bytes of a journal row's parts, as a call has them */
#define DECISION_SIZE 160
#define MESSAGE_SIZE 700 /* of an announcement */

struct prober {
    PGconn *connection;
    redisContext *redis;
    struct dice dice;
    char message[MESSAGE_SIZE];
};

static const char take_over[] =
    "UPDATE fences SET owner = gen_random_uuid(), epoch = epoch + 1, lease_until = now() + interval '1 hour'";
/* $1 at_ms, $2 and $3 ids, $4 input and facts, $5 decision */
static const char commit[] =
    "WITH fence AS (UPDATE fences SET journal_seq = journal_seq + 1, last_ms = $1::bigint"
    " RETURNING project, journal_seq, config_version)"
    " INSERT INTO journal (project, seq, at_ms, kind, event_key, digest, interaction, config_version, input, facts,"
    " decision) SELECT project, journal_seq, $1, 1, $2::uuid, $3::uuid, $3, config_version, $4::bytea, $4, $5::bytea"
    " FROM fence";

static void check(PGconn *connection, PGresult *result)
{
    if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
        bench_fail("the database says: %s", PQerrorMessage(connection));
    PQclear(result);
}

static void check_reply(const struct prober *prober, redisReply *reply)
{
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        bench_fail("redis says: %s", reply ? reply->str : prober->redis->errstr);
    freeReplyObject(reply);
}

static void connect_redis(struct prober *prober, const char *url)
{
    struct redis_url parts;
    const char *why = redis_url_parse(&parts, url);
    if (why)
        bench_fail("%s", why);
    prober->redis = parts.is_socket ? redisConnectUnix(parts.host) : redisConnect(parts.host, parts.port);
    if (!prober->redis || prober->redis->err)
        bench_fail("cannot connect to redis");
    if (parts.user[0])
        check_reply(prober, redisCommand(prober->redis, "AUTH %s %s", parts.user, parts.password));
}

struct prober *prober_open(const char *database, const char *redis)
{
    struct prober *prober = bench_alloc(sizeof *prober);
    prober->dice = dice_seeded();
    memset(prober->message, 'x', sizeof prober->message);
    prober->connection = PQconnectdb(database);
    if (PQstatus(prober->connection) != CONNECTION_OK)
        bench_fail("%s", PQerrorMessage(prober->connection));
    check(prober->connection, PQexec(prober->connection, "SET search_path = patchbay"));
    check(prober->connection, PQexec(prober->connection, take_over));
    check(prober->connection, PQprepare(prober->connection, "commit", commit, 0, NULL));
    connect_redis(prober, redis);
    return prober;
}

void prober_close(struct prober **prober)
{
    PQfinish((*prober)->connection);
    redisFree((*prober)->redis);
    free(*prober);
    *prober = NULL;
}

static void probe(struct prober *prober)
{
    static const char bytes[DECISION_SIZE];
    int64_t at_ms = (int64_t)htobe64((uint64_t)bench_wall_ms());
    struct uuid ids[2] = {dice_uuid(&prober->dice), dice_uuid(&prober->dice)};
    const char *values[] = {(const char *)&at_ms, (const char *)&ids[0], (const char *)&ids[1], bytes, bytes};
    const int lengths[] = {sizeof at_ms, sizeof ids[0], sizeof ids[1], INPUT_SIZE, DECISION_SIZE};
    const int formats[] = {1, 1, 1, 1, 1};
    check(prober->connection, PQexecPrepared(prober->connection, "commit", 5, values, lengths, formats, 1));
    check_reply(prober, redisCommand(prober->redis, "PUBLISH patchbay:{bench}:all %b", prober->message,
                                     sizeof prober->message));
}

static void sleep_until(int64_t when_ns)
{
    struct timespec until = {when_ns / 1000000000, when_ns % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

void prober_run(struct prober *prober, size_t times, int64_t interval_ns, struct samples *asked,
                struct samples *alone)
{
    int64_t due = bench_now_ns();
    for (size_t i = 0; i < times; i++) {
        sleep_until(due);
        int64_t began = bench_now_ns();
        probe(prober);
        int64_t ended = bench_now_ns();
        samples_add(alone, ended - began);
        for (int64_t left = ended - began; left > 0; left -= interval_ns)
            samples_add(asked, left);
        due += interval_ns;
        if (due < ended)
            due = ended;
    }
}

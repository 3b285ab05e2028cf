# The steps of tests/bench/run: preparing two equal databases, measuring in turns, reporting.
# shellcheck shell=bash

AGENTS=1100 # more than the lives in the floor's largest batch
OUTSTANDING=256
FLOOR_BATCHES=(64 128 256 512 1024)

# --- prepare -------------------------------------------------------------------------------------------------------

# Durable as by default; large enough that no checkpoint falls into a measurement, which would hit one side by chance.
write_postgres_settings() {
    as_service tee -a "$DATA/pg/postgresql.conf" >/dev/null <<'CONF'
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 2GB
max_wal_size = 24GB
min_wal_size = 8GB
checkpoint_timeout = 1h
CONF
}

write_project() {
    local agent
    PROJECT_FILE=$RUN/bench.yaml
    {
        echo "project: bench"
        echo "region: DE"
        echo "create: {call: auto, at: accept}"
        echo 'endpoints: [{phone: "+4930901820", queue: calls}]'
        echo "queues: {calls: {offer_timeout: 600s, wrap_up: 0s}}"
        echo "agents:"
        for agent in $(seq -f %04g 1 $AGENTS); do
            echo "  a$agent: {queues: [calls], capacity: {call: 1}}"
        done
        echo 'rules: [{name: all, when: "true", queue: endpoint}]'
    } >"$PROJECT_FILE"
}

# The formulas are those of tests/bench/bench.c. Everybody has called before.
load_customers() {
    psql_admin -v customers="$CUSTOMERS" <<'SQL'
SET search_path = patchbay;
INSERT INTO customers (id, project, name, source)
SELECT ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, p.id, 'Customer ' || n, 'call'
FROM projects p, generate_series(0, :customers - 1) n;
INSERT INTO contacts (customer, position, project, phone, phone_key)
SELECT ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 0, p.id, '0151' || lpad(n::text, 8, '0'),
       '+49151' || lpad(n::text, 8, '0')
FROM projects p, generate_series(0, :customers - 1) n;
INSERT INTO activity (customer, interaction)
SELECT ('018f0000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('018f0000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid
FROM generate_series(0, :customers - 1) n;
SQL
}

# A source's token, then one of each agent: made in one statement instead of a command each.
make_load_tokens() {
    {
        token source
        psql_admin -v secret="$(random_secret)" <<'SQL'
SET search_path = patchbay;
CREATE TEMPORARY TABLE made AS
SELECT project, name, 'pbt_' || left(encode(sha256((:'secret' || name)::bytea), 'hex'), 43) AS token FROM agents;
INSERT INTO tokens (id, project, hash, role, agent)
SELECT gen_random_uuid(), project, sha256(token::bytea), 'agent', name FROM made;
SELECT token FROM made ORDER BY name;
SQL
    } | write_secret "$RUN/tokens.load"
    [ "$(wc -l <"$RUN/tokens.load")" = $((AGENTS + 1)) ] || fail "cannot make the tokens"
}

# Until the router has made the loaded customers findable, which it does off the event path: it must not fall into a measurement.
await_index() {
    local began=$SECONDS
    until [ "$(psql_admin -c 'SELECT count(*) FROM (SELECT FROM patchbay.customer_queue LIMIT 1) q')" = 0 ]; do
        kill -0 "$ROUTER_PID" 2>/dev/null || fail "the router has ended; see $RUN/router.log"
        sleep 0.5
    done
    say "all customers can be found after $((SECONDS - began)) s more"
    psql_admin -c 'VACUUM ANALYZE' -c CHECKPOINT || fail "cannot analyze"
}

prepare() {
    local began=$SECONDS
    make_data
    make_secrets
    make_postgres
    write_postgres_settings
    start_postgres
    start_redis
    make_database
    write_project
    prepare_database
    make_load_tokens
    say "loading $CUSTOMERS customers"
    load_customers || fail "cannot load the customers"
    psql_admin -c 'VACUUM ANALYZE' || fail "cannot analyze"
    make_wal_segments
    # The floor's database is a copy, so that both are prepared in the same way.
    PGDATABASE=postgres psql_admin -c 'CREATE DATABASE floor TEMPLATE patchbay STRATEGY file_copy' -c CHECKPOINT ||
        fail "cannot copy the database"
    BENCH_FLOOR_DATABASE=$(pg_url patchbay_admin "$PG_ADMIN" floor)
    BENCH_REDIS=$(redis_url operator "$REDIS_OPERATOR")
    export BENCH_FLOOR_DATABASE BENCH_REDIS
    start_router
    await_index
    say "ready after $((SECONDS - began)) s"
}

# --- measure -------------------------------------------------------------------------------------------------------

declare -A FLOOR_RATES=() # by batch size, one a round
LOAD_RATES=() LOAD_P50=() LOAD_P99=() CPU_SHARES=()

# position DATABASE: bytes of WAL and rows of the journal so far.
position() {
    PGDATABASE=$1 psql_admin -F ' ' -c "SELECT pg_current_wal_insert_lsn() - '0/0', journal_seq FROM patchbay.fences"
}

# wal_per_row BYTES ROWS BYTES ROWS: between two positions.
wal_per_row() {
    awk -v a="$1" -v b="$2" -v c="$3" -v d="$4" 'BEGIN { printf "%.0f", (c - a) / (d - b) }'
}

# Seconds of processor time that a process has used.
cpu_of() {
    awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print ($12 + $13) / tick }' "/proc/$1/stat"
}

load() {
    "$BUILD/bench/bench_load" --address "127.0.0.1:$RPC_PORT" --tokens "$RUN/tokens.load" --customers "$CUSTOMERS" "$@" ||
        fail "the load did not run"
}

# A server that has run for a while writes into WAL segments that it recycles; one that is new makes each of them, 16 MB
# of zeros and a sync, in mid-commit. Uses up 4 GB of them, and has them back from the checkpoint that comes next.
make_wal_segments() {
    local i
    for ((i = 0; i < 256; i++)); do
        echo "SELECT pg_logical_emit_message(false, 'bench', ''), pg_switch_wal();"
    done | PGDATABASE=postgres psql_admin >/dev/null || fail "cannot make WAL segments"
}

measure_floor() {
    local size rate before
    before=$(position floor)
    for size in "${FLOOR_BATCHES[@]}"; do
        rate=$("$BUILD/bench/bench_floor" --project "$PROJECT_FILE" --customers "$CUSTOMERS" --batch "$size" \
            --milliseconds $((SECONDS_EACH * 1000 / 3))) || fail "the floor did not run"
        FLOOR_RATES[$size]+=" $rate"
        say "floor, batches of $size: $rate events/s"
    done
    # shellcheck disable=SC2046,SC2086
    FLOOR_WAL=$(wal_per_row $before $(position floor))
}

# Statements that were planned for empty tables read more than they must, until tables are analyzed: autovacuum's work in the first minute
# of a server, which must not come in the middle of a measurement.
warm_up() {
    local database
    "$BUILD/bench/bench_floor" --project "$PROJECT_FILE" --customers "$CUSTOMERS" --batch 256 --milliseconds 2000 >"$RUN/warm_up" ||
        fail "the floor did not run"
    load --outstanding $OUTSTANDING --warm-up 0 --milliseconds 2000 >"$RUN/warm_up"
    for database in floor patchbay; do
        PGDATABASE=$database psql_admin -c ANALYZE || fail "cannot analyze"
    done
}

measure_load() {
    local rate p50 p99 line cpu before
    before=$(position patchbay)
    cpu=$(cpu_of "$ROUTER_PID")
    line=$(load --outstanding $OUTSTANDING --warm-up $((SECONDS_EACH * 250)) --milliseconds $((SECONDS_EACH * 1000))) || exit 1
    read -r rate p50 p99 <<<"$line"
    cpu=$(awk -v a="$cpu" -v b="$(cpu_of "$ROUTER_PID")" -v s="$SECONDS_EACH" 'BEGIN { printf "%.2f", (b - a) / (s * 1.25) }')
    LOAD_RATES+=("$rate") LOAD_P50+=("$p50") LOAD_P99+=("$p99") CPU_SHARES+=("$cpu")
    # shellcheck disable=SC2046,SC2086
    LOAD_WAL=$(wal_per_row $before $(position patchbay))
    say "patchbay, $OUTSTANDING outstanding: $rate events/s, p50 $p50 us, p99 $p99 us; router on $cpu cores"
}

median() {
    printf '%s\n' "$@" | sort -g | awk '{ at[NR] = $1 } END { print NR % 2 ? at[(NR + 1) / 2] : (at[NR / 2] + at[NR / 2 + 1]) / 2 }'
}

# Others' work hits patchbay harder than the floor, which is one client and one backend.
warn_if_busy() {
    local idle
    idle=$(vmstat 1 2 | awk 'END { print $15 }')
    [ "${idle:-100}" -ge 90 ] || say "the machine is busy with other work (idle $idle %): the ratios will be worse than they are"
}

# ticks_of_others: process id, name and ticks of processor time of whatever does not belong to the measurement.
ticks_of_others() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk '{
        name = $0; sub(/^[0-9]+ \(/, "", name); sub(/\) [^)]*$/, "", name); gsub(" ", "_", name)
        rest = $0; sub(/.*\) /, "", rest); split(rest, at, " ")
        if (name !~ /^(postgres|patchbay|redis-server|bench_|bash$|cat$|awk$)/) print $1, name, at[12] + at[13]
    }'
}

# busiest_others BEFORE AFTER SECONDS: who took more than a hundredth of a core.
busiest_others() {
    awk -v seconds="$3" -v tick="$(getconf CLK_TCK)" 'NR == FNR { had[$1] = $3; next }
        { share = ($3 - had[$1]) * 100 / tick / seconds }
        share > 1 { printf "%s%s %.0f %%", found++ ? ", " : "", $2, share }' <(echo "$1") <(echo "$2")
}

measure() {
    local round line others began
    warn_if_busy
    warm_up
    for ((round = 1; round <= ROUNDS; round++)); do
        measure_floor
        measure_load
    done
    LOAD_RATE=$(median "${LOAD_RATES[@]}")
    PACE=$(awk -v rate="$LOAD_RATE" 'BEGIN { printf "%d", rate / 10 }')
    others=$(ticks_of_others) began=$SECONDS
    line=$(load --rate "$PACE" --milliseconds $((SECONDS_EACH * 3000))) || exit 1
    PACE_OTHERS=$(busiest_others "$others" "$(ticks_of_others)" $((SECONDS - began)))
    read -r PACE_P50 PACE_P99 PACE_SLICE PROBE_P50 PROBE_P99 PROBE_SLICE ALONE_P50 ALONE_P99 <<<"$line"
}

# --- report --------------------------------------------------------------------------------------------------------

ratio() {
    awk -v name="$1" -v a="$2" -v b="$3" 'BEGIN { printf "%s %.2f\n", name, a / b }'
}

report() {
    local size rate best=0 best_size=
    echo
    printf '%-44s %12s %12s %12s\n' "medians of $ROUNDS, $CUSTOMERS customers" events/s "p50 us" "p99 us"
    for size in "${FLOOR_BATCHES[@]}"; do
        # shellcheck disable=SC2086
        rate=$(median ${FLOOR_RATES[$size]})
        printf '%-44s %12.0f\n' "floor, one connection, batches of $size" "$rate"
        if [ "${rate%.*}" -gt "${best%.*}" ]; then
            best=$rate best_size=$size
        fi
    done
    printf '%-44s %12.0f %12.0f %12.0f\n' "patchbay, $OUTSTANDING events outstanding" "$LOAD_RATE" "$(median "${LOAD_P50[@]}")" \
        "$(median "${LOAD_P99[@]}")"
    printf '%-44s %12.0f %12.0f %12.0f\n' "patchbay at a tenth of that" "$PACE" "$PACE_P50" "$PACE_P99"
    printf '%-44s %12s %12.0f %12.0f\n' "a bare commit and a PUBLISH, at that rate" "$PACE" "$PROBE_P50" "$PROBE_P99"
    printf '%-44s %12s %12.0f %12.0f\n' "the same, each counted once" "" "$ALONE_P50" "$ALONE_P99"
    printf '%-44s %12s %12s %12.0f\n' "patchbay, median of each second's p99" "" "" "$PACE_SLICE"
    printf '%-44s %12s %12s %12.0f\n' "the bare commit, the same" "" "" "$PROBE_SLICE"
    echo "best floor: batches of $best_size; the router used $(median "${CPU_SHARES[@]}") cores under load"
    echo "WAL: $FLOOR_WAL bytes an event of the floor, $LOAD_WAL of patchbay"
    [ -z "$PACE_OTHERS" ] || echo "beside the latencies' events ran, of one core: $PACE_OTHERS"
    echo
    ratio throughput/floor "$LOAD_RATE" "$best"
    ratio p50/commit "$PACE_P50" "$PROBE_P50"
    ratio p99/commit "$PACE_SLICE" "$PROBE_SLICE"
    ratio p99_of_all/commit "$PACE_P99" "$PROBE_P99"
}

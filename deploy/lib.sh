# What ./deploy/run is made of: messages, ports, processes, a private PostgreSQL and a private Redis.
# shellcheck shell=bash

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'deploy/run: %s\n' "$*" >&2
    exit 1
}

# Runs a long command in the background, so that Ctrl-C and SIGTERM are served while it runs.
attended() {
    "$@" 9>&- &
    FOREGROUND=$!
    local status=0
    wait "$FOREGROUND" || status=$?
    FOREGROUND=
    return "$status"
}

# poll SECONDS COMMAND...: until it succeeds. Fails when the time is over.
poll() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.05
    done
}

# --- ports ---------------------------------------------------------------------------------------------------------

# free_port WISH: WISH if nobody listens there, else any free one.
free_port() {
    /usr/bin/python3 - "$1" <<'PYTHON'
import socket, sys
for port in (int(sys.argv[1]), 0):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1)
        except OSError:
            continue
        print(listener.getsockname()[1])
        break
PYTHON
}

# --- processes -----------------------------------------------------------------------------------------------------

# Started processes as "name pid signal", first to last; stop_all goes the other way.
STARTED=()

# start NAME SIGNAL LOG COMMAND...: as the service user, in a session of its own so that Ctrl-C reaches only this script,
# and never outliving it. The pid is in STARTED_PID.
start() {
    local name=$1 signal=$2 log=$3
    shift 3
    setsid setpriv "${AS_SERVICE[@]}" --pdeathsig "$signal" -- "$@" </dev/null >>"${STDOUT:-$log}" 2>>"$log" 9>&- &
    STARTED_PID=$!
    remember "$name" "$STARTED_PID" "$signal"
}

# remember NAME PID SIGNAL: in the order of the first start, however often one is started again.
remember() {
    local index
    for index in "${!STARTED[@]}"; do
        if [ "${STARTED[index]%% *}" = "$1" ]; then
            STARTED[index]="$*"
            return
        fi
    done
    STARTED+=("$*")
}

is_alive() {
    local state
    state=$(sed -e 's/.*) //' -e 's/ .*//' "/proc/$1/stat" 2>/dev/null) && [ -n "$state" ] && [ "$state" != Z ]
}

is_gone() {
    ! is_alive "$1"
}

stop_all() {
    local index name pid signal
    for ((index = ${#STARTED[@]} - 1; index >= 0; index--)); do
        read -r name pid signal <<<"${STARTED[index]}"
        is_alive "$pid" || continue
        kill -s "$signal" "$pid" 2>/dev/null
        if ! poll 30 is_gone "$pid"; then
            say "$name does not stop: killing it"
            kill -KILL "$pid" 2>/dev/null
        fi
        wait "$pid" 2>/dev/null
    done
    STARTED=()
}

# The processes that work in a data folder: what an earlier run that was killed has left.
users_of() {
    local folder link
    folder=$(readlink -f "$1") || return 0
    for link in /proc/[0-9]*/cwd; do
        [ "$(readlink "$link" 2>/dev/null)" = "$folder" ] && basename "${link%/cwd}"
    done
    return 0
}

is_unused() {
    [ -z "$(users_of "$1")" ]
}

# end_leftovers NAME SIGNAL FOLDER: they die with the script that started them, some a moment later.
end_leftovers() {
    local pid
    [ -d "$3" ] || return 0
    if ! poll 5 is_unused "$3"; then
        say "stopping $1 of an earlier run"
        for pid in $(users_of "$3"); do
            kill -s "$2" "$pid" 2>/dev/null
        done
        poll 30 is_unused "$3" || fail "$1 of an earlier run does not stop: process $(users_of "$3" | head -n 1)"
    fi
}

# --- folders -------------------------------------------------------------------------------------------------------

as_service() {
    setpriv "${AS_SERVICE[@]}" -- "$@"
}

# Data folders below $RUN: the real ones if the service user can reach them, else links to a folder that it can reach.
make_data() {
    local name
    if [ -L "$RUN/data" ] && [ ! -d "$RUN/data/" ]; then
        say "the data that $RUN/data points to is gone: starting with an empty database"
        rm -f "$RUN/data" "$RUN/secrets" "$RUN/tokens" "$RUN/applied"
    fi
    if [ ! -e "$RUN/data" ]; then
        if as_service test -x "$RUN" 2>/dev/null; then
            install -d -m 700 "${OWNED[@]}" "$RUN/data"
        else
            name=$(mktemp -d /var/tmp/patchbay-XXXXXXXX)
            chown "$SERVICE_USER:" "$name"
            ln -s "$name" "$RUN/data"
            say "$SERVICE_USER cannot reach $RUN: its data is in $name"
        fi
    fi
    DATA=$(readlink -f "$RUN/data")
    as_service test -w "$DATA" || fail "$SERVICE_USER cannot write to $DATA (made by another user? see --dir)"
    for name in redis router secrets socket; do
        as_service mkdir -p -m 700 "$DATA/$name"
    done
}

# Writes standard input to a file in one step, readable by its owner alone.
write_secret() {
    local owner=${2:-} part="$1.part"
    (umask 077 && cat >"$part")
    [ -z "$owner" ] || chown "$owner" "$part"
    mv -f "$part" "$1"
}

random_secret() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n'
}

make_secrets() {
    if [ ! -s "$RUN/secrets" ]; then
        [ ! -d "$DATA/pg" ] || fail "$DATA/pg has data but $RUN/secrets is missing; restore it or use another --dir"
        for name in PG_ADMIN PG_SERVER REDIS_OPERATOR REDIS_ROUTER REDIS_AGENTS; do
            echo "$name=$(random_secret)"
        done | write_secret "$RUN/secrets"
    fi
    # shellcheck disable=SC1091
    . "$RUN/secrets"
}

# --- PostgreSQL ----------------------------------------------------------------------------------------------------

PG_BIN=/usr/lib/postgresql/15/bin

make_postgres() {
    [ -d "$DATA/pg" ] && return 0
    say "making a PostgreSQL data folder: $DATA/pg"
    as_service rm -rf "$DATA/pg.part"
    echo "$PG_ADMIN" | write_secret "$RUN/pg.password" "$SERVICE_USER:"
    mv -f "$RUN/pg.password" "$DATA/pg.password"
    attended as_service "$PG_BIN/initdb" -D "$DATA/pg.part" -U patchbay_admin --auth=scram-sha-256 \
        --pwfile="$DATA/pg.password" --encoding=UTF8 --locale=C.UTF-8 >"$RUN/initdb.log" 2>&1 || {
        cat "$RUN/initdb.log" >&2
        fail "initdb failed"
    }
    rm -f "$RUN/initdb.log" "$DATA/pg.password"
    # The folder gets its name only when it is whole.
    as_service mv "$DATA/pg.part" "$DATA/pg"
}

psql_admin() {
    PGPASSWORD=$PG_ADMIN PGHOST=127.0.0.1 PGPORT=$PG_PORT PGUSER=patchbay_admin PGDATABASE=${PGDATABASE:-patchbay} \
        psql -X -q -A -t -v ON_ERROR_STOP=1 "$@"
}

# PostgreSQL's memory is not given back to the kernel after each statement only to be asked for again with the next one.
PG_MEMORY=(MALLOC_TRIM_THRESHOLD_=67108864 MALLOC_TOP_PAD_=1048576 MALLOC_MMAP_THRESHOLD_=33554432)

# Starts it on the port that it had, or on a free one the first time.
start_postgres() {
    local fixed=${PG_PORT:-} wish=15432 try stale=$DATA/pg/postmaster.pid
    end_leftovers PostgreSQL INT "$DATA/pg"
    # After a crash of the machine the number in it may be some other process's; nobody works in the folder.
    as_service rm -f "$stale"
    SOCKETS=$DATA/socket
    [ ${#SOCKETS} -lt 80 ] || SOCKETS= # the path of a Unix socket has room for 107 bytes
    for try in 1 2 3 4 5; do
        PG_PORT=${fixed:-$(free_port $wish)}
        start PostgreSQL INT "$RUN/postgres.log" env "${PG_MEMORY[@]}" \
            "$PG_BIN/postgres" -D "$DATA/pg" -p "$PG_PORT" \
            -c listen_addresses=127.0.0.1 -c unix_socket_directories="$SOCKETS" -c max_connections=100
        PG_PID=$STARTED_PID
        poll 60 postgres_answers_or_died
        if is_alive "$PG_PID"; then
            PGDATABASE=postgres psql_admin -c 'SELECT 1' >/dev/null || fail "PostgreSQL does not answer; see $RUN/postgres.log"
            return 0
        fi
        wish=0 # somebody took the port in between
    done
    tail -n 5 "$RUN/postgres.log" >&2
    fail "PostgreSQL does not start (tried $try times); see $RUN/postgres.log"
}

postgres_answers_or_died() {
    is_gone "$PG_PID" || PGDATABASE=postgres psql_admin -c 'SELECT 1'
}

# pg_url USER PASSWORD DATABASE: by the Unix socket where there is one, which costs the kernel a fraction of a TCP connection.
pg_url() {
    if [ -n "$SOCKETS" ]; then
        echo "postgresql://$1:$2@/$3?host=$SOCKETS&port=$PG_PORT"
    else
        echo "postgresql://$1:$2@127.0.0.1:$PG_PORT/$3"
    fi
}

make_database() {
    if [ -z "$(PGDATABASE=postgres psql_admin -c "SELECT 1 FROM pg_database WHERE datname = 'patchbay'")" ]; then
        PGDATABASE=postgres psql_admin -c 'CREATE DATABASE patchbay'
    fi
}

# --- Redis ---------------------------------------------------------------------------------------------------------

redis_operator() {
    REDISCLI_AUTH=$REDIS_OPERATOR redis-cli --user operator -h 127.0.0.1 -p "$REDIS_PORT" "$@"
}

# redis_url USER PASSWORD: likewise.
redis_url() {
    if [ -n "$SOCKETS" ]; then
        echo "unix://$1:$2@$SOCKETS/redis?db=0"
    else
        echo "redis://$1:$2@127.0.0.1:$REDIS_PORT/0"
    fi
}

# After start_postgres, which says where sockets are.
start_redis() {
    local fixed=${REDIS_PORT:-} wish=16379 try
    end_leftovers Redis TERM "$DATA/redis"
    for try in 1 2 3 4 5; do
        REDIS_PORT=${fixed:-$(free_port $wish)}
        # The router may publish and no more; nobody is let in without a password. Agents' users come later, one each.
        write_secret "$RUN/redis.conf" "$SERVICE_USER:" <<CONF
bind 127.0.0.1
port $REDIS_PORT
${SOCKETS:+unixsocket $SOCKETS/redis}
dir $DATA/redis
save ""
appendonly no
user default off
user operator on >$REDIS_OPERATOR ~* &* +@all
user router on >$REDIS_ROUTER resetkeys resetchannels &patchbay:* -@all +publish +spublish +ping +auth +hello +select +client|setname
CONF
        mv -f "$RUN/redis.conf" "$DATA/redis/redis.conf"
        start Redis TERM "$RUN/redis.log" redis-server "$DATA/redis/redis.conf"
        REDIS_PID=$STARTED_PID
        poll 30 redis_answers_or_died
        is_alive "$REDIS_PID" && return 0
        wish=0
    done
    tail -n 5 "$RUN/redis.log" >&2
    fail "Redis does not start (tried $try times); see $RUN/redis.log"
}

redis_answers_or_died() {
    is_gone "$REDIS_PID" || [ "$(redis_operator ping)" = PONG ]
}

# Lets each agent's user read its own channel alone.
make_redis_agents() {
    local agent
    for agent in $AGENTS; do
        redis_operator ACL SETUSER "agent-$agent" reset on ">$(agent_secret "$agent")" \
            "&patchbay:{$PROJECT}:agent:$agent" -@all +subscribe +unsubscribe +ping +auth +hello +quit >/dev/null ||
            fail "Redis refuses the user agent-$agent"
    done
}

# Derived, so that no list has to be kept.
agent_secret() {
    printf '%s' "$REDIS_AGENTS:$PROJECT:$1" | sha256sum | cut -c 1-48
}

# The router's part of ./deploy/run: migration, project, tokens, start, .run/env.
# shellcheck shell=bash

BINARY=$ROOT/build/release/patchbay

# A command of the administrator; the passwords travel by the environment, not on the command line.
patchbay_admin() {
    PATCHBAY_DATABASE=$PG_URL "$BINARY" "$@"
}

prepare_database() {
    local digest
    PG_URL=postgresql://patchbay_admin:$PG_ADMIN@127.0.0.1:$PG_PORT/patchbay
    attended patchbay_admin migrate >"$RUN/migrate.log" 2>&1 || {
        cat "$RUN/migrate.log" >&2
        fail "the migration failed"
    }
    # By standard input, so that it stands on no command line; it is made of hexadecimal digits.
    psql_admin -f - <<<"ALTER ROLE patchbay_server LOGIN PASSWORD '$PG_SERVER'" ||
        fail "cannot set the password of patchbay_server"

    PROJECT=$(grep -m 1 -oE "^[[:space:]{]*[\"']?project[\"']?[[:space:]]*:[[:space:]]*[\"']?[A-Za-z0-9._-]+" "$PROJECT_FILE" |
        grep -oE '[A-Za-z0-9._-]+$') || fail "$PROJECT_FILE names no project"
    # What was applied once and changed since by an operator is left alone.
    digest=$(sha256sum "$PROJECT_FILE" | cut -d ' ' -f 1)
    if ! grep -qsx "$PROJECT $digest" "$RUN/applied"; then
        patchbay_admin apply "$PROJECT_FILE" || fail "$PROJECT_FILE was refused"
        { grep -sv "^$PROJECT " "$RUN/applied"; echo "$PROJECT $digest"; } >"$RUN/applied.part"
        mv -f "$RUN/applied.part" "$RUN/applied"
    fi
    TOKEN_ADMIN=$(token admin) && TOKEN_SUPERVISOR=$(token supervisor) && TOKEN_SOURCE=$(token source) ||
        fail "cannot create tokens"
}

# token ROLE [AGENT]: the one made before, or a new one. They are kept, readable by their owner alone.
token() {
    local kept="$PROJECT $1 ${2:--}" made
    made=$(grep -sF "$kept " "$RUN/tokens" | head -n 1)
    if [ -z "$made" ]; then
        made=$(patchbay_admin token create --project "$PROJECT" --role "$1" ${2:+--agent "$2"}) || return 1
        { cat "$RUN/tokens" 2>/dev/null; echo "$kept $made"; } | write_secret "$RUN/tokens"
    fi
    printf '%s\n' "${made##* }"
}

# Starts it on the ports that it had, or on free ones the first time.
start_router() {
    local try binary=$BINARY fixed=${HTTP_PORT:-} wish_http=8080 wish_rpc=8081 wish_lmtp=8082 socket=$DATA/socket/rpc
    end_leftovers "the router" TERM "$DATA/router"
    [ ${#socket} -lt 100 ] || socket=
    if ! as_service test -x "$binary"; then
        binary=$DATA/router/patchbay # the clone is closed to the service user
        install -m 755 "$BINARY" "$binary.part" && mv -f "$binary.part" "$binary"
    fi
    for try in 1 2 3 4 5; do
        if [ -z "$fixed" ]; then
            HTTP_PORT=$(free_port $wish_http)
            RPC_PORT=$(free_port $wish_rpc)
            LMTP_PORT=$(free_port $wish_lmtp)
        fi
        {
            echo "database: \"$(pg_url patchbay_server "$PG_SERVER" patchbay)\""
            echo "redis: \"$(redis_url router "$REDIS_ROUTER")\""
            echo "http: \"127.0.0.1:$HTTP_PORT\""
            echo "rpc: \"127.0.0.1:$RPC_PORT\""
            echo "lmtp: \"127.0.0.1:$LMTP_PORT\""
            echo "secret_folder: \"$DATA/secrets\""
            [ -z "$socket" ] || echo "rpc_socket: \"$socket\""
        } | write_secret "$RUN/patchbay.yaml" "$SERVICE_USER:"
        mv -f "$RUN/patchbay.yaml" "$DATA/router/patchbay.yaml"
        : >"$RUN/listening"
        STDOUT=$RUN/listening start router TERM "$RUN/router.log" env -C "$DATA/router" \
            "$binary" serve --config "$DATA/router/patchbay.yaml"
        ROUTER_PID=$STARTED_PID
        poll 60 router_ready_or_died
        if is_alive "$ROUTER_PID"; then
            router_ready >/dev/null || { tail -n 5 "$RUN/router.log" >&2; fail "the router does not become ready; see $RUN/router.log"; }
            return 0
        fi
        wish_http=0 wish_rpc=0 wish_lmtp=0
        sleep 0.2
    done
    tail -n 5 "$RUN/router.log" >&2
    fail "the router does not start (tried $try times); see $RUN/router.log"
}

router_ready_or_died() {
    is_gone "$ROUTER_PID" || router_ready
}

router_ready() {
    local rpc lmtp
    grep -q '^listening ' "$RUN/listening" || return 1
    HTTP_URL=http://$(sed -n 's/^listening .*http=\([^ ]*\).*/\1/p' "$RUN/listening")
    rpc=$(sed -n 's/^listening .*rpc=\([^ ]*\).*/\1/p' "$RUN/listening")
    lmtp=$(sed -n 's/^listening .*lmtp=\([^ ]*\).*/\1/p' "$RUN/listening")
    HTTP_PORT=${HTTP_URL##*:} RPC_PORT=${rpc##*:} LMTP_PORT=${lmtp##*:}
    http_get /readyz
}

# http_get PATH [TOKEN]: prints the body; fails unless the answer is 200.
http_get() {
    TOKEN=${2:-} /usr/bin/python3 - "$HTTP_URL$1" <<'PYTHON'
import os, sys, urllib.request
token = os.environ["TOKEN"]
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Bearer {token}"} if token else {})
try:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    sys.stdout.write(opener.open(request, timeout=5).read().decode())
except OSError as fault:
    sys.exit(str(fault))
PYTHON
}

# The agents of the project as the router knows them: a token and a Redis user each.
prepare_agents() {
    local agent
    AGENTS=$(http_get "/v1/projects/$PROJECT/agents?limit=1000" "$TOKEN_ADMIN" | /usr/bin/python3 -c '
import json, sys
for item in json.load(sys.stdin)["items"]:
    print(item["name"])') || fail "cannot list the agents of $PROJECT"
    for agent in $AGENTS; do
        token agent "$agent" >/dev/null || fail "cannot create a token for $agent"
    done
    make_redis_agents
}

variable_of() {
    printf '%s' "$1" | tr '[:lower:]' '[:upper:]' | tr -c 'A-Z0-9' _
}

write_env() {
    local agent host=127.0.0.1:$REDIS_PORT/0
    {
        echo "PATCHBAY_PROJECT=$PROJECT"
        echo "PATCHBAY_HTTP=$HTTP_URL"
        echo "PATCHBAY_RPC=127.0.0.1:$RPC_PORT"
        echo "PATCHBAY_LMTP=127.0.0.1:$LMTP_PORT"
        echo "PATCHBAY_REDIS=redis://operator:$REDIS_OPERATOR@$host"
        echo "PATCHBAY_DATABASE=$PG_URL"
        printf 'PATCHBAY_SECRET_FOLDER=%q\n' "$DATA/secrets"
        echo "PATCHBAY_PID=$ROUTER_PID"
        echo "PATCHBAY_TOKEN_ADMIN=$TOKEN_ADMIN"
        echo "PATCHBAY_TOKEN_SUPERVISOR=$TOKEN_SUPERVISOR"
        echo "PATCHBAY_TOKEN_SOURCE=$TOKEN_SOURCE"
        for agent in $AGENTS; do
            echo "PATCHBAY_TOKEN_AGENT_$(variable_of "$agent")=$(token agent "$agent")"
            echo "PATCHBAY_REDIS_AGENT_$(variable_of "$agent")=redis://agent-$agent:$(agent_secret "$agent")@$host"
        done
    } | write_secret "$RUN/env" "${SUDO_UID:+$SUDO_UID}"
}

# Both run as whoever started us and end with us.
start_watch() {
    setsid setpriv --pdeathsig TERM -- "$HERE/watch" "$RUN/env" </dev/null 9>&- &
    WATCH_PID=$!
    remember watch "$WATCH_PID" TERM
    poll 5 is_watched # the first decision is to be seen, too
}

is_watched() {
    [ "$(redis_operator PUBSUB NUMSUB "patchbay:{$PROJECT}:all" | tail -n 1)" -ge 1 ]
}

start_demo() {
    setsid setpriv --pdeathsig TERM -- "$HERE/demo_traffic" "$RUN/env" </dev/null 9>&- &
    DEMO_PID=$!
    remember demo "$DEMO_PID" TERM
}

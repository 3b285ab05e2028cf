-- The base schema: projects and their fence, the journal and what hangs on it, the state that a restart loads,
-- customers with contacts, the blacklist, tokens. Run by the schema's owner; the server's own role comes in 0002.
--
-- Times named *_ms are milliseconds since 1970 (UTC), as the core reckons them; NULL means never.
-- What grows is partitioned by day (functions below) and dropped by partition, never deleted. Hot tables carry no
-- foreign keys: their integrity is the work of the only writer (docs/journal.md).

CREATE TABLE projects (
    id         integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE configs (
    project    integer NOT NULL REFERENCES projects,
    version    bigint NOT NULL,
    file       text NOT NULL,      -- as it was written
    tree       jsonb NOT NULL,     -- as it was read
    author     text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, version)
);

-- One row per project guards everything that its decisions depend on. Every batch begins by moving it.
CREATE TABLE fences (
    project        integer PRIMARY KEY REFERENCES projects,
    owner          uuid,                         -- the process that may write; NULL: nobody
    address        text,                         -- where that process listens, for not_owner
    epoch          bigint NOT NULL DEFAULT 0,    -- raised by each take-over and each settlement
    lease_until    timestamptz NOT NULL DEFAULT '-infinity',
    journal_seq    bigint NOT NULL DEFAULT 0,    -- the last row of the journal
    facts_version  bigint NOT NULL DEFAULT 0,    -- raised by whoever changes what decisions depend on
    config_version bigint NOT NULL DEFAULT 0,
    published_seq  bigint NOT NULL DEFAULT 0,    -- everything up to here went to Redis
    last_ms        bigint NOT NULL DEFAULT 0     -- the time of the last input: time never goes back
) WITH (fillfactor = 20);

-- What changed, for the owner to read when facts_version moved. kind: config, block, unblock, customer.
CREATE TABLE changes (
    project integer NOT NULL,
    version bigint NOT NULL,
    kind    text NOT NULL,
    ref     uuid,               -- the block or the customer
    keys    text[],             -- phone and e-mail keys to forget, for kind customer
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, version)
);

CREATE TABLE queues (
    project integer NOT NULL,
    name    text NOT NULL,
    active  boolean NOT NULL DEFAULT true, -- false: no longer in the configuration
    PRIMARY KEY (project, name)
);

CREATE TABLE agents (
    project       integer NOT NULL,
    name          text NOT NULL,
    display_name  text NOT NULL,
    role          text NOT NULL,
    department    text,
    reports_to    text,
    active        boolean NOT NULL DEFAULT true,
    state         smallint NOT NULL DEFAULT 0,  -- enum agent_state of rules/core.h
    reason        text,
    lease_ms      bigint NOT NULL DEFAULT 0,    -- length; 0: until changed
    lease_until   bigint,
    grace_until   bigint,
    wrap_until    bigint,
    cool_until    bigint,
    misses        integer NOT NULL DEFAULT 0,
    idle_since    bigint NOT NULL DEFAULT 0,
    agentsequence bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (name, project) -- names first: commit_batch.sql looks each one up
) WITH (fillfactor = 40);

CREATE TABLE journal (
    project        integer NOT NULL,
    seq            bigint NOT NULL,
    at_ms          bigint NOT NULL,
    kind           smallint NOT NULL,  -- enum input_kind of rules/core.h
    event_key      uuid,               -- SHA-256/128 of (source, id)
    digest         uuid,               -- SHA-256/128 of the decoded event
    interaction    uuid,
    config_version bigint NOT NULL,
    input          bytea NOT NULL,     -- rules/record.h
    facts          bytea NOT NULL,
    decision       bytea NOT NULL,
    PRIMARY KEY (project, seq, at_ms)
) PARTITION BY RANGE (at_ms);
-- The idempotency index.
CREATE INDEX journal_event_key ON journal (event_key) WHERE event_key IS NOT NULL;

-- The people of a journal row: names, numbers, addresses, texts. Erasing somebody empties rows here and nothing else.
CREATE TABLE content (
    project    integer NOT NULL,
    seq        bigint NOT NULL,
    at_ms      bigint NOT NULL,
    phone      text,
    email      text,
    party_id   text,
    name       text,
    recipient  text,
    phone_key  text,
    email_key  text,
    source     text,
    subject    text,
    title      text,
    body       text,
    attributes text,
    PRIMARY KEY (project, seq, at_ms)
) PARTITION BY RANGE (at_ms);

CREATE TABLE interactions (
    id           uuid PRIMARY KEY,
    project      integer NOT NULL,
    channel      smallint NOT NULL,
    state        smallint NOT NULL,   -- enum interaction_state of rules/core.h
    outbound     boolean NOT NULL,
    conversation uuid NOT NULL,       -- SHA-256/128 of (channel, source, subject)
    opened_seq   bigint NOT NULL,     -- its content row says who and where to
    opened_ms    bigint NOT NULL,
    queue        text,
    priority     integer NOT NULL,
    enqueued_ms  bigint NOT NULL,
    agent        text,
    offer        uuid,
    offered_ms   bigint,
    expires_ms   bigint,
    accepted_ms  bigint,
    attempts     integer NOT NULL,
    identity     smallint NOT NULL,   -- enum identity_outcome of rules/core.h
    customer     uuid,
    candidates   uuid[],
    closed_ms    bigint,
    cause        text
) PARTITION BY RANGE (id);
CREATE INDEX interactions_open ON interactions (project) WHERE closed_ms IS NULL;
CREATE INDEX interactions_conversation ON interactions (conversation);

-- What each agent's desktop was told: the row of the journal and the number within it.
CREATE TABLE feed (
    project       integer NOT NULL,
    agent         text NOT NULL,
    agentsequence bigint NOT NULL,
    at_ms         bigint NOT NULL,
    seq           bigint NOT NULL,
    n             integer NOT NULL,
    PRIMARY KEY (project, agent, agentsequence, at_ms)
) PARTITION BY RANGE (at_ms);

CREATE TABLE customers (
    id          uuid PRIMARY KEY,
    project     integer NOT NULL,
    name        text NOT NULL DEFAULT '',
    real_name   text,
    company     text,
    external_id text,
    stage       text NOT NULL DEFAULT 'new'
                CHECK (stage IN ('new', 'to_be_assigned', 'follow_up', 'mine', 'pool')),
    owner       text,
    service_rep text,
    source      text,
    tags        text[] NOT NULL DEFAULT '{}',
    fields      jsonb NOT NULL DEFAULT '{}',
    version     bigint NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX customers_external_id ON customers (project, external_id)
    WHERE external_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE contacts (
    customer  uuid NOT NULL,
    position  smallint NOT NULL,
    project   integer NOT NULL,
    label     text,
    phone     text,
    email     text,
    phone_key text,
    email_key text,
    PRIMARY KEY (customer, position)
);
CREATE INDEX contacts_phone_key ON contacts (project, phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX contacts_email_key ON contacts (project, email_key) WHERE email_key IS NOT NULL;

-- The newest interaction of a customer: the order of candidates, and later the last agent.
CREATE TABLE activity (
    customer    uuid PRIMARY KEY,
    interaction uuid NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE blacklist (
    id         uuid PRIMARY KEY,
    project    integer NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('customer', 'phone', 'email', 'domain', 'prefix')),
    customer   uuid,
    key        text,                       -- canonical and folded; NULL for kind customer
    value      text,                       -- as it was given
    channels   smallint NOT NULL DEFAULT 7, -- bits: 1 call, 2 chat, 4 email
    reason     text,
    author     text NOT NULL,
    start_ms   bigint NOT NULL,
    until_ms   bigint,                     -- exclusive; NULL: permanent
    lifted_ms  bigint,
    lifted_by  text,
    hits       bigint NOT NULL DEFAULT 0,
    CHECK ((kind = 'customer') = (customer IS NOT NULL)),
    CHECK ((kind = 'customer') = (key IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX blacklist_project ON blacklist (project, start_ms);

CREATE TABLE tokens (
    id         uuid PRIMARY KEY,
    project    integer NOT NULL REFERENCES projects,
    hash       bytea NOT NULL UNIQUE,      -- SHA-256 of the token
    role       text NOT NULL CHECK (role IN ('source', 'agent', 'supervisor', 'pool_admin', 'admin')),
    agent      text,
    note       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    CHECK (role <> 'agent' OR agent IS NOT NULL)
);

-- The partitions of one day (UTC), for each table that grows.
CREATE FUNCTION ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix  text := to_char(day, 'YYYYMMDD');
    from_ms bigint := extract(epoch FROM day) * 1000;
    to_ms   bigint := extract(epoch FROM day + 1) * 1000;
    parent  text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['journal', 'content', 'feed'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                       parent || '_' || suffix, parent, from_ms, to_ms);
    END LOOP;
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF interactions FOR VALUES FROM (%L) TO (%L)'
                   ' WITH (fillfactor = 50)',
                   'interactions_' || suffix, uuid_floor(from_ms), uuid_floor(to_ms));
END
$$;

-- The smallest version 7 UUID of a millisecond (RFC 9562 5.7).
CREATE FUNCTION uuid_floor(ms bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(ms), 12, '0') || '0000' || '0000000000000000')::uuid
$$;

-- Called by the server at start and every hour: yesterday to the day after tomorrow, so that no batch ever waits for DDL.
CREATE FUNCTION ensure_days() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
    -- Two servers at once: the second waits and finds them there.
    PERFORM pg_advisory_xact_lock(hashtext('patchbay.ensure_days'));
    FOR i IN -1..2 LOOP
        IF to_regclass('journal_' || to_char(today + i, 'YYYYMMDD')) IS NULL
           OR to_regclass('interactions_' || to_char(today + i, 'YYYYMMDD')) IS NULL THEN
            PERFORM ensure_day(today + i);
        END IF;
    END LOOP;
END
$$;

-- Retention, for the administrator: drops the partitions of days before `keep` whose interactions are all closed.
-- Returns how many days went.
CREATE FUNCTION drop_days(keep date) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    suffix text;
    still_open boolean;
    dropped integer := 0;
BEGIN
    FOR suffix IN
        SELECT right(c.relname, 8) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'journal'::regclass AND right(c.relname, 8) < to_char(keep, 'YYYYMMDD') ORDER BY 1
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE closed_ms IS NULL)', 'interactions_' || suffix)
            INTO still_open;
        -- Open work needs its row and the content of its first event; days behind it may be needed by it too.
        EXIT WHEN still_open;
        EXECUTE format('DROP TABLE %I, %I, %I, %I', 'journal_' || suffix, 'content_' || suffix, 'feed_' || suffix,
                       'interactions_' || suffix);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

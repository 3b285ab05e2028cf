-- Who may do what with a customer, and the log of what was done: docs/customers.md. Each statement of storage/sql that is about
-- customers begins with viewer_of() and asks right_on() of every row that it shows or changes.

ALTER TABLE customers
    ADD created_by text,       -- the agent who did; NULL: the router, an import, a token without an agent
    ADD pool uuid,             -- stage pool: where it waits for somebody to pick it up
    ADD previous_owner text,   -- stage pool: who gave it back, and
    ADD returned_ms bigint,    --   when
    ADD assigned_ms bigint,    -- since when its owner has it
    ADD followed_up_ms bigint; -- when its owner last did something for it
CREATE INDEX customers_owner ON customers (project, owner, id) WHERE owner IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX customers_service_rep ON customers (project, service_rep, id)
    WHERE service_rep IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX customers_pool ON customers (pool, id) WHERE pool IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE pools (
    id           uuid PRIMARY KEY,
    project      integer NOT NULL,
    name         text NOT NULL,
    cap          integer,             -- customers that a member may hold out of it at once; NULL: no limit
    cool_down_ms bigint NOT NULL,     -- how long the previous owner waits before picking up the same customer again
    reclaim_days integer,             -- without follow-up for so long a customer goes back by itself; NULL: never
    remind_days  integer,             -- its owner is reminded so long before
    created_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (project, name)
);
CREATE TABLE pool_members (
    pool     uuid NOT NULL REFERENCES pools ON DELETE CASCADE,
    project  integer NOT NULL,
    agent    text NOT NULL,
    is_admin boolean NOT NULL DEFAULT false,
    held     integer NOT NULL DEFAULT 0, -- picked up here and not given back: compared with the cap under this row's lock
    PRIMARY KEY (pool, agent)
);
CREATE INDEX pool_members_agent ON pool_members (project, agent);

-- Sharing gives the view alone.
CREATE TABLE shares (
    project   integer NOT NULL,
    customer  uuid NOT NULL,
    kind      text NOT NULL CHECK (kind IN ('agent', 'role', 'department')),
    name      text NOT NULL,
    shared_by text NOT NULL,
    at_ms     bigint NOT NULL,
    PRIMARY KEY (customer, kind, name)
);
CREATE INDEX shares_name ON shares (project, kind, name);

-- One row per operation and customer. Append-only for the server's role; erasing somebody empties `changes` through the function
-- of a later migration.
CREATE TABLE customer_log (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project   integer NOT NULL,
    customer  uuid,             -- NULL: of no single customer (an export)
    at_ms     bigint NOT NULL,
    operation text NOT NULL,    -- as the contract names them: 'Edit customer'
    actor     text NOT NULL,    -- the agent, or the role of a token without one
    role      text NOT NULL,
    origin    jsonb NOT NULL,   -- {"via": "http", "address": "192.0.2.1"}
    changes   jsonb NOT NULL    -- [{"field": "name", "old": ..., "new": ...}]
);
CREATE INDEX customer_log_customer ON customer_log (customer, id);
CREATE INDEX customer_log_project ON customer_log (project, id);

-- What the current project file says of customers: everything but the sections of routing, which are long.
CREATE TABLE customer_settings (
    project  integer PRIMARY KEY,
    settings jsonb NOT NULL
);
CREATE FUNCTION take_customer_settings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
BEGIN
    INSERT INTO customer_settings (project, settings)
    VALUES (new.project, new.tree - '{agents,queues,endpoints,hours,rules}'::text[])
    ON CONFLICT (project) DO UPDATE SET settings = excluded.settings;
    RETURN NULL;
END
$$;
CREATE TRIGGER configs_customer_settings AFTER INSERT ON configs
    FOR EACH ROW EXECUTE FUNCTION take_customer_settings();
INSERT INTO customer_settings (project, settings)
SELECT c.project, c.tree - '{agents,queues,endpoints,hours,rules}'::text[]
FROM configs c JOIN fences f ON f.project = c.project AND f.config_version = c.version;

-- Who asks, and on behalf of whom: made once per statement.
CREATE TYPE viewer AS (
    project     integer,
    role        text,      -- of the token
    agent       text,      -- NULL: the token has none
    department  text,
    roles       text[],    -- of the token and of the agent in the project file: what is shared with these is seen
    edits_of    text[],    -- owners whose customers may be edited: the agent, direct subordinates, those of permission groups
    superior_of text[],    -- everybody below the agent, at any depth
    lists_of    text[],    -- owners whose customers are listed: a member of a permission group lists what is the group's, not
                           --   what is the subordinates'
    pools       uuid[],    -- of which the agent is a member or an administrator
    admin_pools uuid[]     -- of which the agent is an administrator; all of them for a pool_admin's token without an agent
);

CREATE FUNCTION viewer_of(of integer, by_role text, by_agent text) RETURNS viewer LANGUAGE sql STABLE AS $$
    WITH RECURSIVE me AS (
        SELECT a.name, a.role, a.department FROM agents a WHERE a.project = of AND a.name = by_agent AND a.active
    ), below (name, depth) AS (
        SELECT a.name, 1 FROM agents a JOIN me ON a.reports_to = me.name WHERE a.project = of AND a.active
        UNION ALL
        SELECT a.name, b.depth + 1 FROM agents a JOIN below b ON a.reports_to = b.name
        WHERE a.project = of AND a.active AND b.depth < 16
    ), scopes AS (
        SELECT g.value AS scope
        FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'permission_groups', '{}')) g
        WHERE s.project = of AND g.value -> 'members' ? by_agent
    ), grouped AS (
        SELECT a.name FROM agents a, scopes
        WHERE a.project = of AND (scope -> 'agents' ? a.name OR scope -> 'departments' ? a.department)
    )
    SELECT ROW(of, by_role, by_agent, (SELECT department FROM me),
        ARRAY(SELECT by_role UNION SELECT role FROM me),
        CASE WHEN by_agent IS NULL THEN '{}' ELSE ARRAY(
            SELECT by_agent UNION SELECT name FROM below WHERE depth = 1 UNION SELECT name FROM grouped) END,
        ARRAY(SELECT DISTINCT name FROM below),
        CASE WHEN by_agent IS NULL THEN '{}' ELSE ARRAY(
            SELECT by_agent UNION SELECT name FROM grouped
            UNION SELECT name FROM below WHERE NOT EXISTS (SELECT FROM scopes)) END,
        ARRAY(SELECT m.pool FROM pool_members m WHERE m.project = of AND m.agent = by_agent),
        CASE WHEN by_role = 'pool_admin' AND by_agent IS NULL THEN ARRAY(SELECT p.id FROM pools p WHERE p.project = of)
             ELSE ARRAY(SELECT m.pool FROM pool_members m WHERE m.project = of AND m.agent = by_agent AND m.is_admin)
        END)::viewer
$$;

-- What the agent holds, or is offered, is about this customer.
CREATE FUNCTION is_handling(v viewer, of uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT v.agent IS NOT NULL AND EXISTS (
        SELECT FROM interactions i
        WHERE i.project = v.project AND i.closed_ms IS NULL AND i.agent = v.agent
          AND (i.customer = of OR of = ANY (i.candidates)))
$$;

-- 0: nothing, it is not even there; 1: view; 2: edit; 3: everything. Who has no owner is seen by those who assign.
CREATE FUNCTION right_on(v viewer, c customers) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN c.project <> v.project THEN 0
        WHEN v.role = 'admin' THEN 3
        WHEN c.owner = ANY (v.edits_of) OR c.service_rep = v.agent OR (c.owner IS NULL AND c.created_by = v.agent) THEN 2
        WHEN c.owner = ANY (v.superior_of) OR c.pool = ANY (v.pools) OR c.pool = ANY (v.admin_pools)
             OR (c.owner IS NULL AND v.role IN ('supervisor', 'pool_admin')) THEN 1
        WHEN EXISTS (SELECT FROM shares s
                     WHERE s.customer = c.id
                       AND ((s.kind = 'agent' AND s.name = v.agent) OR (s.kind = 'role' AND s.name = ANY (v.roles))
                            OR (s.kind = 'department' AND s.name = v.department))) THEN 1
        WHEN is_handling(v, c.id) THEN 1
        ELSE 0
    END
$$;

-- The log's actor, for `call`s of storage/sql.
CREATE FUNCTION actor_of(role text, agent text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(agent, role) $$;

-- The contacts of a call's arguments as contacts_json() will show them.
CREATE FUNCTION contacts_given(args jsonb) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(json_agg(json_build_object('label', line.item -> 'label', 'phone', line.item -> 'phone',
                                               'email', line.item -> 'email') ORDER BY line.n), '[]')
    FROM jsonb_array_elements(args -> 'contacts') WITH ORDINALITY line (item, n)
$$;

-- [{field, old, new}] of what differs between two rows, and between two lists of contacts.
CREATE FUNCTION customer_changes(old customers, new customers, old_contacts json, new_contacts json)
    RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('field', field, 'old', was, 'new', now) ORDER BY n), '[]')
    FROM (VALUES
        (1, 'name', to_jsonb(old.name), to_jsonb(new.name)),
        (2, 'real_name', to_jsonb(old.real_name), to_jsonb(new.real_name)),
        (3, 'company', to_jsonb(old.company), to_jsonb(new.company)),
        (4, 'external_id', to_jsonb(old.external_id), to_jsonb(new.external_id)),
        (5, 'stage', to_jsonb(old.stage), to_jsonb(new.stage)),
        (6, 'owner', to_jsonb(old.owner), to_jsonb(new.owner)),
        (7, 'service_rep', to_jsonb(old.service_rep), to_jsonb(new.service_rep)),
        (8, 'source', to_jsonb(old.source), to_jsonb(new.source)),
        (9, 'tags', to_jsonb(old.tags), to_jsonb(new.tags)),
        (10, 'fields', old.fields, new.fields),
        (11, 'contacts', old_contacts::jsonb, new_contacts::jsonb),
        (12, 'pool', to_jsonb(old.pool), to_jsonb(new.pool))) change (n, field, was, now)
    WHERE was IS DISTINCT FROM now
$$;

-- What decisions depend on has changed for these customers: raises the facts' version once, for all of them, and lists their keys
-- (and `more` keys, those that they no longer have). The fence's row is taken here and held until the commit, so this comes last in
-- its transaction. Nothing happens when there are no keys: no decision can meet them. Gives the new version, or NULL.
CREATE FUNCTION facts_moved(of integer, ids uuid[], more text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    all_keys text[] := ARRAY(
        SELECT DISTINCT key FROM contacts k, LATERAL (VALUES (k.phone_key), (k.email_key)) v (key)
        WHERE k.customer = ANY (ids) AND key IS NOT NULL
        UNION SELECT unnest(more));
    now_facts bigint;
BEGIN
    IF cardinality(all_keys) = 0 THEN
        RETURN NULL;
    END IF;
    UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of RETURNING f.facts_version INTO now_facts;
    INSERT INTO changes (project, version, kind, ref, keys) VALUES (of, now_facts, 'customer', ids[1], all_keys);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN now_facts;
END
$$;

GRANT SELECT ON pools, pool_members, shares, customer_log, customer_settings TO patchbay_server;
GRANT INSERT, UPDATE, DELETE ON pools, pool_members, shares TO patchbay_server;
GRANT INSERT ON customer_log TO patchbay_server;
REVOKE EXECUTE ON FUNCTION take_customer_settings(), viewer_of(integer, text, text), is_handling(viewer, uuid),
    right_on(viewer, customers), actor_of(text, text), contacts_given(jsonb),
    customer_changes(customers, customers, json, json),
    facts_moved(integer, uuid[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION viewer_of(integer, text, text), is_handling(viewer, uuid), right_on(viewer, customers),
    actor_of(text, text), contacts_given(jsonb),
    customer_changes(customers, customers, json, json), facts_moved(integer, uuid[], text[])
    TO patchbay_server;

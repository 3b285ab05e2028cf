-- Locks in one order everywhere, names sorted alike on each database, and what imports, the search and an erasure missed:
-- docs/customers.md, docs/customer-lists.md, docs/import-export.md.

-- --- Locks: customers by id, turns by key, pools by id, their members by pool and name, the fence last ---

-- Whose turn it is stands under this key of those whom somebody assigns to.
CREATE FUNCTION turn_key(args jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT md5(jsonb_build_array(
        ARRAY(SELECT DISTINCT x COLLATE "C" FROM jsonb_array_elements_text(args -> 'agents') x ORDER BY 1),
        ARRAY(SELECT DISTINCT x COLLATE "C" FROM jsonb_array_elements_text(args -> 'departments') x ORDER BY 1))::text)
$$;

-- `count` agents in turn, going on behind the last one. The turn's row is locked until the commit; the turns that were not
-- used for longest are forgotten beyond 1,000 of a project, unless somebody is at one.
CREATE OR REPLACE FUNCTION take_turns(of integer, args jsonb, names text[], count integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    key   text := turn_key(args);
    was   text;
    first integer;
    given text[];
BEGIN
    IF count = 0 THEN
        RETURN '{}';
    END IF;
    INSERT INTO assign_turns (project, target, used_ms) VALUES (of, key, (args ->> 'now_ms')::bigint) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM assign_turns t
        WHERE t.project = of AND t.target IN (
            SELECT x.target FROM assign_turns x
            WHERE x.project = of AND x.target <> key
              AND x.target IN (SELECT o.target FROM assign_turns o WHERE o.project = of ORDER BY o.used_ms DESC, o.target OFFSET 1000)
            FOR UPDATE SKIP LOCKED);
    END IF;
    SELECT t.last INTO was FROM assign_turns t WHERE t.project = of AND t.target = key FOR UPDATE;
    first := (SELECT count(*) FROM unnest(names) x WHERE x COLLATE "C" <= was COLLATE "C");
    given := ARRAY(SELECT names[1 + (first + n) % cardinality(names)] FROM generate_series(0, count - 1) n ORDER BY n);
    UPDATE assign_turns t SET last = given[count], used_ms = greatest(t.used_ms, (args ->> 'now_ms')::bigint)
    WHERE t.project = of AND t.target = key;
    RETURN given;
END
$$;

-- items: [{customer, version, rule, agents, departments, pool}]; without a rule nothing matched. Who has changed since it was
-- looked at, is looked at again; what names nobody who is still there, with the next file.
CREATE OR REPLACE FUNCTION assign_by_rules(of integer, by_instance uuid, by_epoch bigint, with_file bigint, now_ms bigint, items jsonb)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    item  record;
    args  jsonb;
    names text[];
    p     uuid;
    old   customers;
    new   customers;
    given uuid[] := '{}';
BEGIN
    IF NOT owns_project(of, by_instance, by_epoch) THEN
        RETURN 0;
    END IF;
    PERFORM FROM customers c
    WHERE c.id IN (SELECT (i ->> 'customer')::uuid FROM jsonb_array_elements(items) i) ORDER BY c.id FOR UPDATE;
    -- A rule names people or a pool: those of people come first, turn by turn, and within one in the order of the items.
    FOR item IN
        SELECT c.id, i.value, s.id AS pool FROM jsonb_array_elements(items) WITH ORDINALITY i (value, n)
        JOIN customers c ON c.id = (i.value ->> 'customer')::uuid
        LEFT JOIN pools s ON s.project = of AND s.name = i.value ->> 'pool'
        WHERE c.project = of AND c.stage = 'to_be_assigned' AND c.deleted_at IS NULL
          AND c.version = (i.value ->> 'version')::bigint
        ORDER BY s.id NULLS FIRST, turn_key(i.value), n
    LOOP
        args := item.value || jsonb_build_object('now_ms', now_ms,
                                                 'origin', jsonb_build_object('via', 'rule', 'rule', item.value -> 'rule'));
        names := (SELECT a.names FROM assignees(of, args) a WHERE a.fault IS NULL);
        p := item.pool;
        PERFORM FROM pools s WHERE s.id = p FOR SHARE;
        p := CASE WHEN FOUND THEN p END; -- or it was deleted meanwhile
        IF p IS NOT NULL THEN
            SELECT c.* INTO old FROM customers c WHERE c.id = item.id;
            UPDATE customers c
            SET stage = 'pool', pool = p, returned_ms = assign_by_rules.now_ms, version = c.version + 1, updated_at = now()
            WHERE c.id = item.id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[item.id], args, 'Assign customer', 'router', NULL, customer_changes(old, new, NULL, NULL));
            given := given || item.id;
        ELSIF cardinality(names) > 0 THEN
            PERFORM give_customers(of, ARRAY[item.id], take_turns(of, args, names, 1), args, 'router', NULL);
            given := given || item.id;
        ELSE
            UPDATE customers c SET considered = with_file WHERE c.id = item.id;
        END IF;
    END LOOP;
    PERFORM facts_moved(of, given, '{}');
    RETURN cardinality(given);
END
$$;

CREATE OR REPLACE FUNCTION reclaim_customers(of integer, by_instance uuid, by_epoch bigint, now_ms bigint, most bigint)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids     uuid[];
    item    record;
    args    jsonb := jsonb_build_object('now_ms', now_ms, 'origin', jsonb_build_object('via', 'reclaim'));
    new     customers;
    was     bigint;
    gone    uuid[] := '{}';
BEGIN
    IF NOT owns_project(of, by_instance, by_epoch) THEN
        RETURN 0;
    END IF;
    ids := ARRAY(
        SELECT c.id FROM pools p JOIN customers c ON c.home_pool = p.id
        WHERE p.project = of AND p.reclaim_days IS NOT NULL AND c.deleted_at IS NULL AND c.owner IS NOT NULL
          AND greatest(c.assigned_ms, c.followed_up_ms)
              <= now_ms - (p.reclaim_days - coalesce(p.remind_days, 0)) * 86400000::bigint
          AND (p.remind_days IS NULL OR c.reminded_ms IS NULL OR goes_back_ms(c, p) <= now_ms)
        ORDER BY c.id LIMIT most FOR UPDATE OF c SKIP LOCKED FOR KEY SHARE OF p SKIP LOCKED);
    PERFORM lock_members(ids, '{}');
    FOR item IN
        SELECT c, p FROM customers c JOIN pools p ON p.id = c.home_pool WHERE c.id = ANY (ids) ORDER BY c.id
    LOOP
        was := last_follow_up_ms(item.c);
        IF was > idle_since_ms(item.c) THEN
            UPDATE customers c SET followed_up_ms = was, reminded_ms = NULL WHERE c.id = (item.c).id;
        ELSIF (item.p).remind_days IS NOT NULL AND (item.c).reminded_ms IS NULL THEN
            UPDATE customers c SET reminded_ms = reclaim_customers.now_ms WHERE c.id = (item.c).id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Remind owner', 'router', NULL, change_of(
                'returns_at', NULL, time_text(goes_back_ms(new, item.p))));
        ELSE
            UPDATE customers c
            SET stage = 'pool', owner = NULL, pool = c.home_pool, previous_owner = c.owner, returned_ms = reclaim_customers.now_ms,
                version = c.version + 1, updated_at = now()
            WHERE c.id = (item.c).id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Back customer', 'router', NULL, customer_changes(
                item.c, new, NULL, NULL) || change_of('reason', NULL, 'no follow-up'));
            gone := gone || new.id;
        END IF;
    END LOOP;
    PERFORM facts_moved(of, gone, '{}');
    RETURN cardinality(ids);
END
$$;

-- Locks whom the rows are about, or into whom they were merged, by id; and if a row may change an owner, the members whose counts
-- that changes. A chunk looks up a few hundred keys, so never a whole table, whatever was analyzed when.
CREATE OR REPLACE FUNCTION lock_import(of integer, list jsonb) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
    ids uuid[];
BEGIN
    ids := ARRAY(
        SELECT (x ->> 'id')::uuid FROM jsonb_array_elements(list) x WHERE x ? 'id'
        UNION
        SELECT o.id FROM jsonb_array_elements(list) x
            JOIN customers o ON o.project = of AND o.external_id = x ->> 'external_id' AND o.deleted_at IS NULL
        UNION
        SELECT o.id FROM jsonb_array_elements(list) x
            JOIN customers o ON o.project = of AND o.external_id = x ->> 'external_id' AND o.merged_into IS NOT NULL
        UNION
        SELECT k.customer FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g
            JOIN contacts k ON k.project = of AND k.phone_key = g ->> 'phone_key'
        UNION
        SELECT k.customer FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g
            JOIN contacts k ON k.project = of AND k.email_key = g ->> 'email_key');
    ids := ARRAY(SELECT CASE WHEN c.merged_into IS NULL THEN c.id ELSE merged_target(c.id) END FROM customers c WHERE c.id = ANY (ids));
    PERFORM FROM customers c WHERE c.id = ANY (ids) AND c.project = of AND c.deleted_at IS NULL ORDER BY c.id FOR UPDATE;
    IF EXISTS (SELECT FROM jsonb_array_elements(list) x WHERE x ?| '{owner,stage}') THEN
        PERFORM FROM pools p
        WHERE p.id IN (SELECT c.home_pool FROM customers c WHERE c.id = ANY (ids)) ORDER BY p.id FOR KEY SHARE;
        PERFORM FROM pool_members m
        WHERE m.pool IN (SELECT c.home_pool FROM customers c WHERE c.id = ANY (ids))
          AND m.agent IN (SELECT c.owner FROM customers c WHERE c.id = ANY (ids)
                          UNION ALL SELECT x ->> 'owner' FROM jsonb_array_elements(list) x)
        ORDER BY m.pool, m.agent FOR UPDATE;
    END IF;
END
$$;

-- A session may have planned for tables that were empty when they were analyzed. Whatever is done for a chunk, triggers too, looks
-- a few hundred rows up.
ALTER FUNCTION import_rows(integer, text, text, jsonb) SET enable_seqscan = off;

-- --- The search ---

-- As 0021 has it. Besides, whom somebody was taken for before a link (INPUT_LINK) is looked at: it may have been made by the very
-- interaction and is not the one that this is about any more.
CREATE OR REPLACE FUNCTION index_customers(of integer, by_owner uuid, by_epoch bigint, page bigint)
    RETURNS TABLE (agent text, customer uuid, interaction uuid, channel smallint, at_ms bigint, more boolean)
    -- Planned while the tables may still be empty, and kept: whatever the planner believes then, nothing is read whole.
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    numbers bigint[];
    ids   uuid[];
    taken bigint;
    mark  customer_marks;
    first bigint;
    rows_read bigint;
    heard jsonb;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('patchbay.index_customers'), of)
       OR NOT EXISTS (SELECT FROM fences f WHERE f.project = of AND f.owner = by_owner AND f.epoch = by_epoch) THEN
        RETURN;
    END IF;
    -- What a crash of the database takes back is looked at again: nobody waits for the disk here, and decisions do not either.
    PERFORM set_config('synchronous_commit', 'off', true);
    -- By number: a join with the rows to go would be planned for a tenth of the queue, whatever the page.
    numbers := ARRAY(SELECT o.id FROM customer_queue o WHERE o.project = of ORDER BY o.id LIMIT page);
    WITH gone AS (
        DELETE FROM customer_queue q WHERE q.project = of AND q.id = ANY (numbers) RETURNING q.customer
    )
    SELECT array_agg(DISTINCT g.customer), count(*) INTO ids, taken FROM gone g;

    SELECT m.* INTO mark FROM customer_marks m WHERE m.project = of;
    IF mark.project IS NULL THEN
        INSERT INTO customer_marks VALUES (of, 0, 0) ON CONFLICT DO NOTHING;
        mark := (of, 0, 0);
    END IF;
    -- Numbers have no gaps, but for days that are not kept any more.
    SELECT min(j.seq) INTO first FROM journal j WHERE j.project = of AND j.seq > mark.seq AND j.at_ms >= mark.at_ms;
    WITH recent AS (
        SELECT j.seq, j.at_ms, j.kind, j.interaction FROM journal j
        WHERE j.project = of AND j.seq >= first AND j.seq < first + page AND j.at_ms >= mark.at_ms
    ), about AS (
        -- A row of content is a call, a message or a mail; without a recipient it is what an agent wrote. Customers are made by
        -- these and by who takes a call (INPUT_ACCEPT, INPUT_PULL).
        SELECT r.seq, r.at_ms, i.id, i.customer, i.channel, i.agent, i.conversation, i.identity = 1 AS created,
               k.seq IS NOT NULL AS says, k.recipient IS NOT NULL AND NOT i.outbound AS heard
        FROM recent r
        LEFT JOIN content k ON r.kind = 1 AND k.project = of AND k.seq = r.seq AND k.at_ms = r.at_ms
        JOIN interactions i ON i.id = r.interaction AND i.customer IS NOT NULL
        WHERE r.kind IN (2, 12) OR k.seq IS NOT NULL
    ), made AS (
        SELECT a.customer FROM about a WHERE a.created
        UNION
        SELECT l.before FROM recent r JOIN interaction_customers l ON l.interaction = r.interaction AND l.seq = r.seq
        WHERE r.kind = 14 AND l.before IS NOT NULL
    ), lasts AS (
        INSERT INTO customer_last AS l (customer, project, at_ms, heard_ms, interaction)
        SELECT a.customer, of, max(a.at_ms), coalesce(max(a.at_ms) FILTER (WHERE a.heard), 0),
               (array_agg(a.id ORDER BY a.seq DESC))[1]
        FROM about a WHERE a.says GROUP BY a.customer ORDER BY a.customer
        ON CONFLICT (customer) DO UPDATE
        SET at_ms = greatest(l.at_ms, excluded.at_ms), heard_ms = greatest(l.heard_ms, excluded.heard_ms),
            interaction = excluded.interaction
    )
    SELECT (SELECT count(*) FROM recent),
           array_cat(ids, (SELECT array_agg(m.customer) FROM made m
                           WHERE NOT EXISTS (SELECT FROM customer_words w WHERE w.customer = m.customer))),
           (SELECT jsonb_agg(jsonb_build_object('interaction', a.id, 'customer', a.customer, 'channel', a.channel, 'holder', a.agent,
                                                'conversation', a.conversation, 'at_ms', a.at_ms) ORDER BY a.seq)
            FROM about a WHERE a.heard AND EXISTS (SELECT FROM follows f WHERE f.customer = a.customer)),
           (SELECT max(r.seq) FROM recent r), (SELECT max(r.at_ms) FROM recent r)
    INTO rows_read, ids, heard, mark.seq, mark.at_ms;
    IF rows_read > 0 THEN
        UPDATE customer_marks m SET seq = mark.seq, at_ms = mark.at_ms WHERE m.project = of;
    END IF;

    IF cardinality(ids) > 0 THEN
        PERFORM index_some(of, ids);
    END IF;
    RETURN QUERY SELECT NULL::text, NULL::uuid, NULL::uuid, NULL::smallint, NULL::bigint, taken = page OR rows_read = page;
    IF heard IS NOT NULL THEN
        RETURN QUERY SELECT f.agent, f.customer, h.interaction, h.channel, h.at_ms, false
        FROM jsonb_to_recordset(heard) AS h (interaction uuid, customer uuid, channel smallint, holder text, conversation uuid,
                                             at_ms bigint)
        JOIN follows f ON f.customer = h.customer AND f.project = of AND f.agent IS DISTINCT FROM h.holder
        JOIN customers c ON c.id = h.customer AND c.deleted_at IS NULL
        WHERE NOT EXISTS (SELECT FROM mutes m WHERE m.project = of AND m.agent = f.agent AND m.conversation = h.conversation)
          AND CASE WHEN f.agent = c.owner OR f.agent = c.service_rep THEN true
                   ELSE right_on(viewer_of(of, 'agent', f.agent), c) >= 1 END;
    END IF;
END
$$;
-- Those who were missed before.
INSERT INTO customer_queue (project, customer)
SELECT c.project, c.id FROM customers c
WHERE c.deleted_at IS NULL AND NOT EXISTS (SELECT FROM customer_words w WHERE w.customer = c.id);

-- --- Order: the same on each database, whatever collation it was made with ---

-- Names as people look them up: by letter, then accents, then case (the root order of Unicode, which is DIN 5007-1 for German).
CREATE COLLATION names (provider = icu, locale = 'und');
DROP INDEX customers_name;
CREATE INDEX customers_name ON customers (project, name COLLATE names, id) WHERE deleted_at IS NULL;
CREATE OR REPLACE FUNCTION list_key(sort text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE sort WHEN 'name' THEN 'c.name COLLATE names' WHEN 'last_activity' THEN 'l.at_ms' ELSE 'c.' || sort END
$$;

-- For `patchbay migrate`: another version of ICU may have another order, in which an index of before finds nothing any more.
-- True: it was made anew.
CREATE FUNCTION keep_order() RETURNS boolean LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    IF (SELECT c.collversion IS NOT DISTINCT FROM pg_collation_actual_version(c.oid) FROM pg_collation c
        WHERE c.oid = 'names'::regcollation) THEN
        RETURN false;
    END IF;
    REINDEX INDEX customers_name;
    ALTER COLLATION names REFRESH VERSION;
    RETURN true;
END
$$;

-- Whom a customer is shared with, by name.
CREATE OR REPLACE FUNCTION shares_json(of uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_object_agg(kinds.plural, names.list)
    FROM (VALUES ('agent', 'agents'), ('role', 'roles'), ('department', 'departments')) kinds (kind, plural),
         LATERAL (SELECT coalesce(jsonb_agg(s.name ORDER BY s.name COLLATE "C"), '[]') AS list
                  FROM shares s WHERE s.customer = of AND s.kind = kinds.kind) names
$$;

CREATE OR REPLACE FUNCTION pool_json(p pools) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', p.id, 'name', p.name, 'cap', p.cap, 'cool_down', p.cool_down_ms / 1000, 'reclaim_days', p.reclaim_days,
        'remind_days', p.remind_days, 'created_at', time_text(p.created_at),
        'customers', (SELECT count(*) FROM customers c WHERE c.pool = p.id AND c.deleted_at IS NULL),
        'members', (SELECT coalesce(json_agg(json_build_object('agent', m.agent, 'is_admin', m.is_admin, 'held', m.held)
                                             ORDER BY m.agent COLLATE "C"), '[]')
                    FROM pool_members m WHERE m.pool = p.id))
$$;

-- The first of the project's scripts, by name, that is for this queue or for all.
CREATE OR REPLACE FUNCTION script_of(of integer, queue text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('name', script.key, 'text', script.value -> 'text')
    FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'scripts', '{}')) script
    WHERE s.project = of AND (coalesce(script.value -> 'queues', 'null') = 'null' OR script.value -> 'queues' ? queue)
    ORDER BY coalesce(script.value -> 'queues', 'null') = 'null', script.key COLLATE "C" LIMIT 1
$$;

REVOKE EXECUTE ON FUNCTION turn_key(jsonb), keep_order() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turn_key(jsonb) TO patchbay_server;

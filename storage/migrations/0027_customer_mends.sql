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

REVOKE EXECUTE ON FUNCTION turn_key(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turn_key(jsonb) TO patchbay_server;

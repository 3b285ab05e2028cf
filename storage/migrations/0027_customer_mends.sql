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

-- Those who were missed before.
INSERT INTO customer_queue (project, customer)
SELECT c.project, c.id FROM customers c
WHERE c.deleted_at IS NULL AND NOT EXISTS (SELECT FROM customer_words w WHERE w.customer = c.id)
    AND NOT EXISTS (SELECT FROM customer_queue q WHERE q.customer = c.id);

-- --- Order: the same on each database, whatever collation it was made with ---

-- Names as people look them up: by letter, then accents, then case (the root order of Unicode, which is DIN 5007-1 for German).
CREATE COLLATION names (provider = icu, locale = 'und');
-- Takes the place of customers_name in 0037.
CREATE INDEX customers_name_new ON customers (project, name COLLATE names, id) WHERE deleted_at IS NULL;
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

-- --- Erasure ---

-- What email_fold() (rules/email_key.h) makes of a canonical address: no plus tag, Gmail's without dots and of one domain.
CREATE FUNCTION email_folded(key text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN part.domain IN ('gmail.com', 'googlemail.com') THEN replace(part.name, '.', '') || '@gmail.com'
                ELSE part.name || '@' || part.domain END
    FROM (SELECT substring(key FROM '^(.[^+]*).*@') || CASE WHEN key ~ '^".[^+"]*\+' THEN '"' ELSE '' END AS name,
                 substring(key FROM '@([^@]*)$') AS domain) part
$$;

-- As 0013 has it. Besides: keys that somebody had before, open interactions of these, datasheets of interactions that are nobody's,
-- blocks of a folded address or of a whole number as a prefix, and the first line of an import that was refused.
-- {customer}: all of the person but what stands in the journal's content, which erase_content() goes through page by page.
CREATE OR REPLACE FUNCTION erase_customer(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
DECLARE
    erased  uuid := args ->> 'customer';
    now_ms  bigint := args ->> 'now_ms';
    v       viewer := viewer_of(of, by_role, by_agent);
    person  customers;
    all_ids uuid[];
    lists   jsonb;
    all_keys text[];
    b       uuid;
    blocks  uuid[];
    now_facts bigint;
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (merged_ids(erased)) ORDER BY c.id FOR UPDATE;
    all_ids := merged_ids(erased);
    SELECT c.* INTO person FROM customers c WHERE c.project = of AND c.id = erased AND right_on(v, c) >= 1
        AND (c.deleted_at IS NULL OR by_role = 'admin');
    IF person.id IS NULL OR person.merged_into IS NOT NULL THEN
        RETURN QUERY SELECT 'not_found', CASE WHEN person.id IS NULL THEN 'there is no such customer'
            ELSE format('it was merged into %s: erase that', merged_target(erased)) END, NULL;
        RETURN;
    END IF;
    IF right_on(v, person) < 3 THEN
        RETURN QUERY SELECT 'forbidden', 'only an admin may erase a customer', NULL;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids)) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction of this customer is still open: end it first', NULL;
        RETURN;
    END IF;
    SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') INTO lists FROM contacts k WHERE k.customer = ANY (all_ids);
    SELECT lists || coalesce(jsonb_agg(item), '[]') INTO lists
    FROM customer_merges m, jsonb_array_elements(coalesce(m.customer_was -> 'contacts', '[]') || coalesce(m.other_was -> 'contacts', '[]')) item
    WHERE (m.customer = ANY (all_ids) OR m.other = ANY (all_ids)) AND item ->> 'customer' = ANY (all_ids::text[]);
    all_keys := keys_of(lists) || ARRAY(SELECT x FROM jsonb_array_elements(lists) i, LATERAL (VALUES (i ->> 'phone'), (i ->> 'email')) t (x)
                                        WHERE x IS NOT NULL)
        -- What they had before, as it was written.
        || ARRAY(SELECT x FROM customer_log l, jsonb_array_elements(l.changes) was,
                     LATERAL (VALUES (was -> 'old'), (was -> 'new')) side (list),
                     jsonb_array_elements(CASE jsonb_typeof(list) WHEN 'array' THEN list ELSE '[]' END) i,
                     LATERAL (VALUES (i ->> 'phone'), (i ->> 'email'), (lower(i ->> 'email'))) t (x)
                 WHERE l.customer = ANY (all_ids) AND l.operation IN ('Create customer', 'Edit customer', 'Import customer')
                   AND was ->> 'field' = 'contacts' AND x IS NOT NULL
                   -- Not what is somebody else's today.
                   AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of AND k.customer <> ALL (all_ids)
                                                            AND (k.phone_key = x OR k.email_key = x)));
    -- One that nobody knows to be about this customer, but from a number or an address of theirs.
    IF EXISTS (SELECT FROM interactions i JOIN content k ON k.project = of AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
               WHERE i.project = of AND i.closed_ms IS NULL AND i.customer IS NULL
                 AND (k.phone_key = ANY (all_keys) OR k.email_key = ANY (all_keys))) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction from a number or an address of this customer is still open: end it first', NULL;
        RETURN;
    END IF;
    INSERT INTO erasures AS e (customer, project, ids, keys, interactions, next_seq, last_seq)
    SELECT erased, of, all_ids, all_keys,
           ARRAY(SELECT i.id FROM interactions i WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL),
           (SELECT coalesce(min(c.seq), 1) FROM content c WHERE c.project = of), f.journal_seq
    FROM fences f WHERE f.project = of
    ON CONFLICT (customer) DO UPDATE
    SET next_seq = excluded.next_seq, last_seq = excluded.last_seq,
        keys = ARRAY(SELECT unnest(e.keys) UNION SELECT unnest(excluded.keys));
    UPDATE interactions i SET routing = NULL WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL;
    -- A row that was refused may name anybody in any spelling: all of them go, and so does the first line of a file without names of
    -- columns, which is a row.
    DELETE FROM import_errors x USING imports i WHERE i.id = x.import AND i.project = of;
    UPDATE imports i SET detail = 'why is gone: somebody was erased since'
    WHERE i.project = of AND i.state = 'failed';
    UPDATE customers c
    SET name = '', real_name = NULL, company = NULL, external_id = NULL, source = NULL, tags = '{}', fields = '{}',
        erased_ms = now_ms, deleted_at = coalesce(c.deleted_at, now()), updated_at = now(), version = c.version + 1
    WHERE c.id = ANY (all_ids);
    DELETE FROM contacts k WHERE k.customer = ANY (all_ids);
    DELETE FROM shares s WHERE s.customer = ANY (all_ids);
    -- What only serves to find somebody.
    UPDATE customer_words w SET words = '' WHERE w.customer = ANY (all_ids);
    DELETE FROM field_values f WHERE f.customer = ANY (all_ids);
    UPDATE customer_log l SET changes = '[]' WHERE l.customer = ANY (all_ids) AND l.changes <> '[]';
    -- Whom this one was once merged with, as long as the two were one.
    UPDATE customer_log l SET changes = '[]' FROM customer_merges m
    WHERE (m.customer = ANY (all_ids) OR m.other = ANY (all_ids)) AND l.customer IN (m.customer, m.other)
      AND l.at_ms BETWEEN m.at_ms AND coalesce(m.undone_ms, now_ms) AND l.changes <> '[]';
    UPDATE customer_merges m SET customer_was = NULL, customer_became = NULL, other_was = NULL, shares = NULL
    WHERE m.customer = ANY (all_ids) OR m.other = ANY (all_ids);
    PERFORM log_customer(of, by_role, by_agent, args, erased, 'Erase customer', '[]');
    -- A whole number may stand on the blacklist as a prefix, and of an address what the blacklist folds it to. What blocks others
    -- too stays.
    blocks := ARRAY(
        SELECT x.id FROM blacklist x
        WHERE x.project = of AND x.kind IN ('phone', 'email', 'prefix')
          AND (x.key = ANY (all_keys)
               OR (x.kind = 'email' AND x.key IN (SELECT email_folded(key) FROM unnest(all_keys) key WHERE key LIKE '%@%')))
          AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of AND (k.phone_key = x.key OR k.email_key = x.key))
          AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of
                          AND CASE x.kind WHEN 'prefix' THEN starts_with(k.phone_key, x.key)
                                          WHEN 'email' THEN email_folded(k.email_key) = x.key END));
    -- The fence from here on. Which keys it was is not written down: {} is anybody's.
    UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of RETURNING f.facts_version INTO now_facts;
    -- What was decided before the fence was ours may be about this one too; the next try tells its admin so.
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids))
       OR EXISTS (SELECT FROM interactions i JOIN content k ON k.project = of AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
                  WHERE i.project = of AND i.closed_ms IS NULL AND i.customer IS NULL
                    AND (k.phone_key = ANY (all_keys) OR k.email_key = ANY (all_keys))) THEN
        RAISE EXCEPTION 'an interaction of this customer has just begun' USING ERRCODE = 'serialization_failure';
    END IF;
    UPDATE erasures e
    SET last_seq = f.journal_seq,
        interactions = ARRAY(SELECT i.id FROM interactions i WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL)
    FROM fences f WHERE f.project = of AND e.customer = erased;
    DELETE FROM datasheets d USING erasures e WHERE e.customer = erased AND d.interaction = ANY (e.interactions);
    INSERT INTO changes (project, version, kind, ref, keys) VALUES (of, now_facts, 'customer', erased, '{}');
    UPDATE changes c SET keys = '{}' WHERE c.project = of AND c.keys && all_keys;
    DELETE FROM duplicates d WHERE d.project = of AND d.key = ANY (all_keys)
        AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of AND (k.phone_key = d.key OR k.email_key = d.key));
    FOREACH b IN ARRAY blocks LOOP
        PERFORM lift_blocks(of, ARRAY[b], actor_of(by_role, by_agent), now_ms);
        -- Nobody's, and not what a replay takes for a key that was erased (RECORD_ERASED_KEY); of the form that its kind is matched by.
        UPDATE blacklist x
        SET key = CASE x.kind WHEN 'email' THEN '?@!' WHEN 'prefix' THEN '!' ELSE '?' END, value = NULL, reason = NULL
        WHERE x.id = b;
    END LOOP;
    UPDATE blacklist x SET reason = NULL WHERE x.customer = ANY (all_ids);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN QUERY SELECT 'ok', json_build_object('customer', erased, 'done', false)::text, NULL;
END
$$;

-- Empties the content of the person in the next `page` rows of the journal. A row that is of somebody else who has the same key stays.
CREATE OR REPLACE FUNCTION erase_content(of integer, erased uuid, page bigint)
    RETURNS TABLE (done boolean, emptied bigint) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
DECLARE
    e erasures;
    n bigint;
BEGIN
    SELECT x.* INTO e FROM erasures x WHERE x.project = of AND x.customer = erased FOR UPDATE;
    IF e.customer IS NULL THEN
        RETURN QUERY SELECT true, 0::bigint;
        RETURN;
    END IF;
    WITH gone AS (
        UPDATE content k
        SET phone = NULL, email = NULL, party_id = NULL, name = NULL, recipient = NULL, phone_key = NULL, email_key = NULL,
            source = NULL, subject = NULL, title = NULL, body = NULL, attributes = NULL, fields = NULL
        FROM journal j
        WHERE k.project = of AND k.seq >= e.next_seq AND k.seq < e.next_seq + page AND k.seq <= e.last_seq
          AND j.project = of AND j.seq = k.seq AND j.at_ms = k.at_ms AND j.seq >= e.next_seq AND j.seq < e.next_seq + page
          AND k.subject IS NOT NULL -- else it is empty already
          AND (j.interaction = ANY (e.interactions)
               OR ((k.phone_key = ANY (e.keys) OR k.email_key = ANY (e.keys) OR k.phone = ANY (e.keys) OR k.email = ANY (e.keys)
                    OR k.recipient = ANY (e.keys))
                   AND NOT EXISTS (SELECT FROM interactions i WHERE i.id = j.interaction
                                   AND (i.closed_ms IS NULL OR (i.customer IS NOT NULL AND i.customer <> ALL (e.ids))))))
        RETURNING j.interaction
    ), sheets AS (
        DELETE FROM datasheets d USING gone WHERE d.interaction = gone.interaction
    )
    SELECT count(*) INTO n FROM gone;
    -- Fields of somebody among several candidates.
    UPDATE content k SET fields = NULL
    FROM journal j
    WHERE k.project = of AND k.seq >= e.next_seq AND k.seq < e.next_seq + page AND k.seq <= e.last_seq AND k.fields IS NOT NULL
      AND j.project = of AND j.seq = k.seq AND j.at_ms = k.at_ms AND j.seq >= e.next_seq AND j.seq < e.next_seq + page
      AND EXISTS (SELECT FROM unnest(e.ids) x (id) WHERE position(uuid_send(x.id) IN j.facts) > 0);
    IF e.next_seq + page > e.last_seq THEN
        DELETE FROM erasures x WHERE x.customer = erased;
        RETURN QUERY SELECT true, e.emptied + n;
    ELSE
        UPDATE erasures x SET next_seq = e.next_seq + page, emptied = e.emptied + n WHERE x.customer = erased;
        RETURN QUERY SELECT false, e.emptied + n;
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION turn_key(jsonb), keep_order(), email_folded(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION turn_key(jsonb) TO patchbay_server;

-- once 9a884b92bdabf3f427e6876c5db417cc9b73147a0662bd2864a0c40ccd3e3ea5

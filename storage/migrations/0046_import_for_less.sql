-- The same for less: an import takes a sixth less work a row, and so works for 0.4 ms at a time (docs/background.md).

-- As 0044 has it, without a call where it stands in a statement: it is an expression, which becomes part of who asks.
CREATE FUNCTION rest_a_moment() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(0.0009); -- which waits for whole milliseconds, rounded up: 0.001 may be two
    PERFORM set_config('patchbay.give_way', (clock_timestamp() + current_setting('patchbay.burst')::interval)::text, true);
    RETURN true;
END
$$;

CREATE OR REPLACE FUNCTION give_way(row_number bigint DEFAULT 0) RETURNS boolean LANGUAGE sql AS $$
    SELECT CASE WHEN row_number IS NOT NULL AND clock_timestamp() > nullif(current_setting('patchbay.give_way', true), '')::timestamptz
                THEN rest_a_moment() ELSE true END
$$;

-- As 0044 has it; the first burst began with the transaction, when the chunk was read.
CREATE OR REPLACE FUNCTION give_way_to_decisions(of integer, burst interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    seen    text := 'patchbay.decided_' || of;
    decided text := coalesce((SELECT f.journal_seq FROM fences f WHERE f.project = of), 0);
BEGIN
    PERFORM set_config('patchbay.burst', burst::text, true),
            set_config('patchbay.give_way', CASE WHEN decided IS DISTINCT FROM current_setting(seen, true)
                                                 THEN (transaction_timestamp() + burst)::text ELSE '' END, true),
            set_config(seen, decided, false);
END
$$;

-- In the order of the list, of contacts as they are shown; as an expression, too: an import asks for each row.
CREATE FUNCTION changes_between(old customers, new customers, old_contacts jsonb, new_contacts jsonb) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT to_jsonb(array_remove(ARRAY[
        CASE WHEN old.name IS DISTINCT FROM new.name THEN jsonb_build_object('field', 'name', 'old', old.name, 'new', new.name) END,
        CASE WHEN old.real_name IS DISTINCT FROM new.real_name THEN
            jsonb_build_object('field', 'real_name', 'old', old.real_name, 'new', new.real_name) END,
        CASE WHEN old.company IS DISTINCT FROM new.company THEN
            jsonb_build_object('field', 'company', 'old', old.company, 'new', new.company) END,
        CASE WHEN old.external_id IS DISTINCT FROM new.external_id THEN
            jsonb_build_object('field', 'external_id', 'old', old.external_id, 'new', new.external_id) END,
        CASE WHEN old.stage IS DISTINCT FROM new.stage THEN jsonb_build_object('field', 'stage', 'old', old.stage, 'new', new.stage) END,
        CASE WHEN old.owner IS DISTINCT FROM new.owner THEN jsonb_build_object('field', 'owner', 'old', old.owner, 'new', new.owner) END,
        CASE WHEN old.service_rep IS DISTINCT FROM new.service_rep THEN
            jsonb_build_object('field', 'service_rep', 'old', old.service_rep, 'new', new.service_rep) END,
        CASE WHEN old.source IS DISTINCT FROM new.source THEN
            jsonb_build_object('field', 'source', 'old', old.source, 'new', new.source) END,
        CASE WHEN old.tags IS DISTINCT FROM new.tags THEN jsonb_build_object('field', 'tags', 'old', old.tags, 'new', new.tags) END,
        CASE WHEN old.fields IS DISTINCT FROM new.fields THEN
            jsonb_build_object('field', 'fields', 'old', old.fields, 'new', new.fields) END,
        CASE WHEN old_contacts IS DISTINCT FROM new_contacts THEN
            jsonb_build_object('field', 'contacts', 'old', old_contacts, 'new', new_contacts) END,
        CASE WHEN old.pool IS DISTINCT FROM new.pool THEN jsonb_build_object('field', 'pool', 'old', old.pool, 'new', new.pool) END
    ], NULL))
$$;

CREATE OR REPLACE FUNCTION customer_changes(old customers, new customers, old_contacts json, new_contacts json)
    RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT changes_between(old, new, old_contacts::jsonb, new_contacts::jsonb) $$;

-- As 0044 has it. 7p:, a canonical phone, is not made any more: 7d: has its digits. Words are split once for a customer, not once for each
-- contact besides. In PL/pgSQL, which keeps its plan: one of SQL makes it for each call.
CREATE OR REPLACE FUNCTION lexemes_of(ids uuid[]) RETURNS TABLE (customer uuid, words tsvector) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    SELECT c.id, (
        SELECT array_to_tsvector(array_agg(c.project || found.lexeme))
        FROM (
            SELECT 'w:' || unnest(words_of(concat_ws(' ', c.name, c.real_name, c.company, c.external_id,
                                                     (SELECT string_agg(k.email, ' ') FROM contacts k WHERE k.customer = c.id)))) AS lexeme
            UNION ALL
            SELECT unnest(ARRAY['e:' || lower(k.email_key), 'd:' || ltrim(k.phone_key, '+'), 'r:' || reverse(ltrim(k.phone_key, '+')),
                                'd:' || nullif(regexp_replace(k.phone, '\D', '', 'g'), '')])
            FROM contacts k WHERE k.customer = c.id
        ) found
        WHERE found.lexeme IS NOT NULL)
    FROM customers c WHERE c.id = ANY (ids) AND give_way();
END
$$;

CREATE OR REPLACE FUNCTION list_keyword(of integer, args jsonb, words text[]) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    given  text := args ->> 'keyword';
    digits text := regexp_replace(given, '\D', '', 'g');
    arms   text[] := '{}';
BEGIN
    IF cardinality(words) > 16 THEN
        PERFORM list_refuse('/keyword', 'at most 16 words');
    END IF;
    IF cardinality(words) > 0 THEN
        arms := arms || (SELECT '(' || string_agg(format('''%sw:%s'':*', of, word), ' & ') || ')' FROM unnest(words) word);
    END IF;
    IF args ? 'keyword_phone' THEN
        arms := arms || format('''%sd:%s''', of, ltrim(replace(args ->> 'keyword_phone', '''', ''), '+'));
    END IF;
    IF args ? 'keyword_email' THEN
        arms := arms || format('''%se:%s''', of, replace(replace(lower(args ->> 'keyword_email'), '\', '\\'), '''', ''''''));
    END IF;
    IF length(digits) >= 4 AND given ~ '^[-+/(). \d]+$' THEN
        arms := arms || format('''%sd:%s'':*', of, digits) || format('''%sr:%s'':*', of, reverse(digits));
    END IF;
    RETURN array_to_string(arms, ' | ')::tsquery;
END
$$;

-- As 0044 has it; says whether any of the rows may be about somebody who is there.
DROP FUNCTION lock_import(integer, jsonb);
CREATE FUNCTION lock_import(of integer, list jsonb) RETURNS boolean LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
    SET enable_material = off AS $$
DECLARE
    ids       uuid[];
    externals text[];
    phones    text[];
    emails    text[];
BEGIN
    SELECT array_agg((x ->> 'id')::uuid) FILTER (WHERE x ? 'id'), array_agg(x ->> 'external_id') INTO ids, externals
    FROM jsonb_array_elements(list) x;
    SELECT array_agg(g ->> 'phone_key'), array_agg(g ->> 'email_key') INTO phones, emails
    FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g;
    PERFORM give_way();
    ids := ids || ARRAY(SELECT o.id FROM unnest(externals) given (key), LATERAL (SELECT c.id FROM customers c
                            WHERE c.project = of AND c.external_id = given.key AND c.deleted_at IS NULL OFFSET 0) o)
               || ARRAY(SELECT o.id FROM unnest(externals) given (key), LATERAL (SELECT c.id FROM customers c
                            WHERE c.project = of AND c.external_id = given.key AND c.merged_into IS NOT NULL OFFSET 0) o);
    PERFORM give_way();
    ids := ids || ARRAY(SELECT o.customer FROM unnest(phones) given (key), LATERAL (SELECT k.customer FROM contacts k
                            WHERE k.project = of AND k.phone_key = given.key OFFSET 0) o);
    PERFORM give_way();
    ids := ids || ARRAY(SELECT o.customer FROM unnest(emails) given (key), LATERAL (SELECT k.customer FROM contacts k
                            WHERE k.project = of AND k.email_key = given.key OFFSET 0) o);
    PERFORM give_way();
    IF cardinality(ids) = 0 THEN
        RETURN false;
    END IF;
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
    RETURN true;
END
$$;

-- As 0044 has it; looks somebody up once more only where lock_import() met `anybody`, whom it may have waited for.
DROP FUNCTION import_known(integer, jsonb);
CREATE FUNCTION import_known(of integer, list jsonb, anybody boolean) RETURNS SETOF bigint LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = on SET enable_seqscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
    externals text[] := '{}';
    phones    text[] := '{}';
    emails    text[] := '{}';
BEGIN
    IF anybody THEN
        SELECT array_agg(x ->> 'external_id') INTO externals FROM jsonb_array_elements(list) x;
        SELECT array_agg(g ->> 'phone_key'), array_agg(g ->> 'email_key') INTO phones, emails
        FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g;
        externals := ARRAY(SELECT o.external_id FROM unnest(externals) given (key), LATERAL (SELECT c.external_id FROM customers c
                                WHERE c.project = of AND c.external_id = given.key AND c.deleted_at IS NULL OFFSET 0) o)
                  || ARRAY(SELECT o.external_id FROM unnest(externals) given (key), LATERAL (SELECT c.external_id FROM customers c
                                WHERE c.project = of AND c.external_id = given.key AND c.merged_into IS NOT NULL OFFSET 0) o);
        PERFORM give_way();
        phones := ARRAY(SELECT given.key FROM unnest(phones) given (key), LATERAL (SELECT FROM contacts k
                                WHERE k.project = of AND k.phone_key = given.key LIMIT 1) o);
        PERFORM give_way();
        emails := ARRAY(SELECT given.key FROM unnest(emails) given (key), LATERAL (SELECT FROM contacts k
                                WHERE k.project = of AND k.email_key = given.key LIMIT 1) o);
        PERFORM give_way();
    END IF;
    RETURN QUERY
    SELECT x.n FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n)
    WHERE x.item ? 'strangers' OR x.item ->> 'external_id' IN (SELECT unnest(externals));
    RETURN QUERY
    SELECT s.n FROM (SELECT x.n, count(*) OVER (PARTITION BY x.item ->> 'external_id') AS rows_with
                     FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n) WHERE x.item ? 'external_id') s WHERE s.rows_with > 1;
    PERFORM give_way();
    RETURN QUERY
    SELECT s.n FROM (SELECT k.n, k.key, count(*) OVER (PARTITION BY k.key) AS rows_with
                     FROM (SELECT DISTINCT x.n, v.key
                           FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n), jsonb_array_elements(x.item -> 'contacts') c,
                               LATERAL (VALUES (c ->> 'phone_key'), (c ->> 'email_key')) v (key)
                           WHERE v.key IS NOT NULL) k) s
    WHERE s.rows_with > 1 OR s.key IN (SELECT unnest(phones || emails));
END
$$;

DROP FUNCTION import_new(viewer, jsonb);
CREATE FUNCTION import_new(v viewer, args jsonb, anybody boolean) RETURNS TABLE (n bigint, id uuid) LANGUAGE plpgsql SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
    most     integer;
    slots    integer;
    required text[];
    known    bigint[] := ARRAY(SELECT import_known(v.project, args -> 'rows', anybody));
BEGIN
    SELECT coalesce((s.settings #>> '{contacts,max}')::integer, 9), coalesce((s.settings #>> '{contacts,phone_slots}')::integer, 3),
           ARRAY(SELECT f.key FROM jsonb_each(s.settings -> 'fields') f WHERE f.value -> 'required' = 'true')
    INTO most, slots, required
    FROM (SELECT) one LEFT JOIN customer_settings s ON s.project = v.project;
    RETURN QUERY
    WITH fit AS MATERIALIZED (
        SELECT g.n, g.item, make_id((args ->> 'now_ms')::bigint, g.n) AS id, m.stage, m.owner
        FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY g (item, n),
            LATERAL stage_move('', NULL, g.item, v.agent) m,
            LATERAL (SELECT count(*) AS contacts, count(c ->> 'phone') AS phones,
                            count(coalesce(c ->> 'phone_key', c ->> 'email_key')) AS keys
                     FROM jsonb_array_elements(g.item -> 'contacts') c) has
        WHERE g.n <> ALL (known) AND NOT g.item ? 'id' AND m.fault IS NULL
          AND (g.item ? 'external_id' OR has.contacts > 0)
          AND has.contacts <= most AND has.phones <= slots AND has.keys = has.contacts
          AND coalesce(g.item -> 'fields', '{}') ?& required AND give_way()
    ), made AS (
        INSERT INTO customers AS c (id, project, name, real_name, company, external_id, stage, owner, service_rep, source, tags, fields,
                                    created_by)
        SELECT f.id, v.project, coalesce(f.item ->> 'name', ''), f.item ->> 'real_name', f.item ->> 'company',
               f.item ->> 'external_id', f.stage, f.owner, f.item ->> 'service_rep', f.item ->> 'source',
               ARRAY(SELECT jsonb_array_elements_text(f.item -> 'tags')), coalesce(f.item -> 'fields', '{}'), v.agent
        FROM fit f ORDER BY f.n
        ON CONFLICT DO NOTHING -- somebody else was first: import_row() finds that customer
        RETURNING c.id, c AS row, give_way()
    ), reached AS (
        INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
        SELECT f.id, line.n - 1, v.project, x ->> 'label', x ->> 'phone', x ->> 'email', x ->> 'phone_key', x ->> 'email_key'
        FROM fit f JOIN made m ON m.id = f.id, jsonb_array_elements(f.item -> 'contacts') WITH ORDINALITY line (x, n)
        RETURNING give_way()
    ), logged AS (
        INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
        SELECT v.project, f.id, (args ->> 'now_ms')::bigint, 'Import customer', actor_of(v.role, v.agent), v.role, args -> 'origin',
               changes_between(NULL, m.row, NULL, shown.contacts)
        FROM fit f JOIN made m ON m.id = f.id,
            LATERAL (SELECT coalesce(jsonb_agg(jsonb_build_object('label', x -> 'label', 'phone', x -> 'phone', 'email', x -> 'email')), '[]') AS contacts
                     FROM jsonb_array_elements(f.item -> 'contacts') x) shown
        WHERE give_way() ORDER BY f.n
        RETURNING give_way()
    )
    SELECT f.n, f.id FROM fit f JOIN made m ON m.id = f.id;
END
$$;

CREATE OR REPLACE FUNCTION import_rows(of integer, by_role text, by_agent text, args jsonb) RETURNS jsonb LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
DECLARE
    v         viewer := viewer_of(of, by_role, by_agent);
    anybody   boolean;
    call      jsonb := args - 'rows';
    one       record;
    became    record;
    done      bigint[];
    fresh     uuid[];
    moved     uuid[];
    created   integer;
    changed   integer := 0;
    unchanged integer := 0;
    faults    jsonb := '[]';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('patchbay.import_rows'), of);
    PERFORM give_way_to_decisions(of, '0.4 ms'), analyze_new(), give_way();
    anybody := lock_import(of, args -> 'rows');
    PERFORM give_way();
    BEGIN
        PERFORM set_config('patchbay.routes', 'on', true); -- whom it makes need not stand in the queue
        SELECT coalesce(array_agg(m.n), '{}'), coalesce(array_agg(m.id), '{}') INTO done, fresh FROM import_new(v, args, anybody) m;
        PERFORM set_config('patchbay.routes', 'off', true);
        created := cardinality(done);
        moved := fresh;
        FOR one IN SELECT x.item, x.n FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY x (item, n)
                   WHERE created < jsonb_array_length(args -> 'rows') AND x.n <> ALL (done) ORDER BY x.n LOOP
            became := import_row(v, call, one.item, one.n);
            CASE became.status
                WHEN 'created' THEN created := created + 1;
                WHEN 'changed' THEN changed := changed + 1;
                WHEN 'unchanged' THEN unchanged := unchanged + 1;
                ELSE faults := faults || jsonb_build_array(jsonb_build_object('row', one.n - 1, 'status', became.status,
                                                                              'detail', became.detail));
            END CASE;
            IF became.touched IS NOT NULL THEN
                moved := moved || became.touched;
            END IF;
            PERFORM give_way();
        END LOOP;
        IF (args ->> 'dry_run')::boolean THEN
            RAISE EXCEPTION USING ERRCODE = 'PBDRY';
        END IF;
    EXCEPTION WHEN SQLSTATE 'PBDRY' THEN
        moved := '{}';
        fresh := '{}';
    END;
    IF cardinality(fresh) > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtext('patchbay.index_customers'), of);
        PERFORM index_some(of, fresh), give_way();
        PERFORM note_duplicates_of(of, fresh); -- last, as its locks on contacts are what a merge and an erasure take last
    END IF;
    PERFORM give_way(); -- before it locks the fence
    PERFORM facts_moved(of, moved, '{}');
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults,
                              'gives_way', current_setting('patchbay.give_way') <> '');
END
$$;

REVOKE EXECUTE ON FUNCTION rest_a_moment(), changes_between(customers, customers, jsonb, jsonb), lock_import(integer, jsonb),
    import_known(integer, jsonb, boolean), import_new(viewer, jsonb, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rest_a_moment(), changes_between(customers, customers, jsonb, jsonb), lock_import(integer, jsonb),
    import_known(integer, jsonb, boolean), import_new(viewer, jsonb, boolean) TO patchbay_server;

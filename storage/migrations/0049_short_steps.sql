-- Traced: of the events beside an import the slow ones came at the beginning and at the end of its chunks, where it worked for 0.7 to 1.5 ms
-- without a rest, and the fence was locked for a millisecond (docs/background.md). So each step is as short as those in between.

-- As 0010 has it, with rests while it looks for the keys and before it locks the fence: decisions wait from there to the end of the transaction.
CREATE OR REPLACE FUNCTION facts_moved(of integer, ids uuid[], more text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    all_keys text[] := ARRAY(
        SELECT key FROM contacts k, LATERAL (VALUES (k.phone_key), (k.email_key)) v (key)
        WHERE k.customer = ANY (ids) AND key IS NOT NULL AND give_way(k.position)
        UNION SELECT unnest(more));
    now_facts bigint;
BEGIN
    IF cardinality(all_keys) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM give_way();
    UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of RETURNING f.facts_version INTO now_facts;
    INSERT INTO changes (project, version, kind, ref, keys) VALUES (of, now_facts, 'customer', ids[1], all_keys);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN now_facts;
END
$$;

-- As 0046 has it, in smaller steps.
CREATE OR REPLACE FUNCTION lock_import(of integer, list jsonb) RETURNS boolean LANGUAGE plpgsql
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
    PERFORM give_way();
    SELECT array_agg(g ->> 'phone_key'), array_agg(g ->> 'email_key') INTO phones, emails
    FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g;
    PERFORM give_way();
    ids := ids || ARRAY(SELECT o.id FROM unnest(externals) given (key), LATERAL (SELECT c.id FROM customers c
                            WHERE c.project = of AND c.external_id = given.key AND c.deleted_at IS NULL OFFSET 0) o);
    PERFORM give_way();
    ids := ids || ARRAY(SELECT o.id FROM unnest(externals) given (key), LATERAL (SELECT c.id FROM customers c
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

-- As 0046 has it, with rests before and while it looks for what two rows have in common.
CREATE OR REPLACE FUNCTION import_known(of integer, list jsonb, anybody boolean) RETURNS SETOF bigint LANGUAGE plpgsql
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
    PERFORM give_way();
    RETURN QUERY
    SELECT s.n FROM (SELECT x.n, count(*) OVER (PARTITION BY x.item ->> 'external_id') AS rows_with
                     FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n) WHERE x.item ? 'external_id') s WHERE s.rows_with > 1;
    PERFORM give_way();
    RETURN QUERY
    SELECT s.n FROM (SELECT k.n, k.key, count(*) OVER (PARTITION BY k.key) AS rows_with
                     FROM (SELECT DISTINCT x.n, v.key
                           FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n), jsonb_array_elements(x.item -> 'contacts') c,
                               LATERAL (VALUES (c ->> 'phone_key'), (c ->> 'email_key')) v (key)
                           WHERE v.key IS NOT NULL AND give_way(x.n)) k) s
    WHERE s.rows_with > 1 OR s.key IN (SELECT unnest(phones || emails));
END
$$;

-- As 0046 has it, with a plan that is kept and a rest before it begins; a file that comes again ends here.
CREATE OR REPLACE FUNCTION import_new(v viewer, args jsonb, anybody boolean) RETURNS TABLE (n bigint, id uuid) LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
    most     integer;
    slots    integer;
    required text[];
    known    bigint[] := ARRAY(SELECT DISTINCT import_known(v.project, args -> 'rows', anybody));
BEGIN
    IF cardinality(known) = jsonb_array_length(args -> 'rows') THEN
        RETURN;
    END IF;
    SELECT coalesce((s.settings #>> '{contacts,max}')::integer, 9), coalesce((s.settings #>> '{contacts,phone_slots}')::integer, 3),
           ARRAY(SELECT f.key FROM jsonb_each(s.settings -> 'fields') f WHERE f.value -> 'required' = 'true')
    INTO most, slots, required
    FROM (SELECT) one LEFT JOIN customer_settings s ON s.project = v.project;
    PERFORM give_way();
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

-- As 0044 has it, with tags counted one at a time.
CREATE OR REPLACE FUNCTION index_some(of integer, ids uuid[]) RETURNS void
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_hashjoin = on SET enable_mergejoin = on AS $$
DECLARE
    kept_count bigint;
BEGIN
    WITH now_is AS (
        SELECT c.id, c.tags, coalesce(l.words, '') AS words
        FROM customers c LEFT JOIN lexemes_of(ids) l ON l.customer = c.id
        WHERE c.id = ANY (ids) AND c.deleted_at IS NULL AND give_way()
    ), gone AS (
        DELETE FROM customer_words w
        WHERE w.customer = ANY (ids) AND NOT EXISTS (SELECT FROM now_is n WHERE n.id = w.customer)
    ), counted AS (
        SELECT tag, sum(d) AS d
        FROM (SELECT unnest(n.tags) AS tag, 1 AS d FROM now_is n
              UNION ALL
              SELECT unnest(w.tags), -1 FROM customer_words w WHERE w.customer = ANY (ids)) one
        GROUP BY tag HAVING sum(d) <> 0
    ), counts AS (
        INSERT INTO tag_counts AS t (project, tag, n) SELECT of, tag, d FROM counted
        ON CONFLICT (project, tag) DO UPDATE SET n = t.n + excluded.n
        RETURNING give_way()
    ), lasts AS (
        -- What was before the journal was looked through, or came with a merge.
        INSERT INTO customer_last AS l (customer, project, at_ms, heard_ms, interaction)
        SELECT n.id, of, uuid_ms(a.interaction), uuid_ms(a.interaction), a.interaction
        FROM now_is n JOIN activity a ON a.customer = n.id AND a.customer = ANY (ids)
        ON CONFLICT (customer) DO UPDATE
        SET at_ms = excluded.at_ms, interaction = excluded.interaction WHERE l.at_ms < excluded.at_ms
    ), kept AS (
        INSERT INTO customer_words AS w (customer, project, words, tags)
        SELECT n.id, of, n.words, n.tags FROM now_is n ORDER BY n.id
        ON CONFLICT (customer) DO UPDATE SET words = excluded.words, tags = excluded.tags
        WHERE (w.words, w.tags) IS DISTINCT FROM (excluded.words, excluded.tags)
        RETURNING give_way()
    )
    SELECT count(*) INTO kept_count FROM kept;
    PERFORM give_way();
    DELETE FROM tag_counts t WHERE t.project = of AND t.n <= 0;
END
$$;

-- As 0044 has it, 40 customers at a time.
CREATE OR REPLACE FUNCTION note_duplicates_of(of integer, ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
DECLARE
    phones  text[];
    emails  text[];
    sharing uuid[];
BEGIN
    FOR at IN 1 .. coalesce(cardinality(ids), 0) BY 40 LOOP
        SELECT phones || array_agg(DISTINCT s.key) FILTER (WHERE s.kind = 'phone'),
               emails || array_agg(DISTINCT s.key) FILTER (WHERE s.kind = 'email'), sharing || array_agg(DISTINCT s.customer)
        INTO phones, emails, sharing FROM shared_keys(of, ids[at:at + 39]) s;
        PERFORM give_way(); -- the last one before it locks
    END LOOP;
    IF sharing IS NULL THEN
        RETURN;
    END IF;
    WITH by_phone AS (
        SELECT k.phone_key AS key, k.customer FROM contacts k WHERE k.project = of AND k.phone_key = ANY (phones) FOR KEY SHARE SKIP LOCKED
    ), by_email AS (
        SELECT k.email_key AS key, k.customer FROM contacts k WHERE k.project = of AND k.email_key = ANY (emails) FOR KEY SHARE SKIP LOCKED
    )
    INSERT INTO duplicates (project, kind, key, since_ms)
    SELECT of, held.kind, held.key, now_ms()
    FROM (SELECT 'phone' AS kind, p.key, p.customer FROM by_phone p UNION ALL SELECT 'email', e.key, e.customer FROM by_email e) held
    JOIN customers c ON c.id = held.customer AND c.deleted_at IS NULL
    GROUP BY held.kind, held.key HAVING count(DISTINCT held.customer) > 1
    ORDER BY max(held.customer::text) -- as they came in
    ON CONFLICT DO NOTHING;
    INSERT INTO customer_queue (project, customer) SELECT DISTINCT of, s.customer FROM shared_keys(of, sharing) s;
END
$$;

-- As 0046 has it, with more rests.
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
    PERFORM give_way_to_decisions(of, '0.4 ms'), give_way(), analyze_new(), give_way();
    anybody := lock_import(of, args -> 'rows');
    PERFORM give_way();
    BEGIN
        PERFORM set_config('patchbay.routes', 'on', true); -- whom it makes need not stand in the queue
        SELECT coalesce(array_agg(m.n), '{}'), coalesce(array_agg(m.id), '{}') INTO done, fresh FROM import_new(v, args, anybody) m;
        PERFORM set_config('patchbay.routes', 'off', true), give_way();
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
        PERFORM pg_advisory_xact_lock(hashtext('patchbay.index_customers'), of), give_way();
        PERFORM index_some(of, fresh), give_way();
        PERFORM note_duplicates_of(of, fresh); -- last, as its locks on contacts are what a merge and an erasure take last
    END IF;
    PERFORM facts_moved(of, moved, '{}');
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults,
                              'gives_way', current_setting('patchbay.give_way') <> '');
END
$$;

-- Work in the background is done in bursts of a millisecond while decisions are made: a processor that is busy for longer without a break makes
-- others wait for it, and on a virtual machine for the other processors too (docs/background.md).

-- Asked often, in the midst of a statement too: rests for a millisecond when a burst of work is over, if give_way_to_decisions() said so. It
-- holds no more than its transaction does, which lasts longer by that. What it is given only says of which rows it is asked.
CREATE FUNCTION give_way(row_number bigint DEFAULT 0) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    until text := current_setting('patchbay.give_way', true);
BEGIN
    IF until <> '' AND clock_timestamp() > until::timestamptz THEN
        PERFORM pg_sleep(0.0009); -- which waits for whole milliseconds, rounded up: 0.001 may be two
        PERFORM set_config('patchbay.give_way', (clock_timestamp() + current_setting('patchbay.burst')::interval)::text, true);
    END IF;
    RETURN true;
END
$$;

-- For the rest of the transaction, if the session sees that inputs were decided since it was asked last; else give_way() never rests.
CREATE FUNCTION give_way_to_decisions(of integer, burst interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    seen    text := 'patchbay.decided_' || of;
    decided text := coalesce((SELECT f.journal_seq FROM fences f WHERE f.project = of), 0);
BEGIN
    PERFORM set_config('patchbay.burst', burst::text, true),
            set_config('patchbay.give_way', CASE WHEN decided IS DISTINCT FROM current_setting(seen, true)
                                                 THEN (clock_timestamp() + burst)::text ELSE '' END, true),
            set_config(seen, decided, false);
END
$$;
REVOKE EXECUTE ON FUNCTION give_way(bigint), give_way_to_decisions(integer, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION give_way(bigint), give_way_to_decisions(integer, interval) TO patchbay_server;

-- In the order of the list; as an expression, which becomes part of the statement that asks: an import asks for each row.
CREATE OR REPLACE FUNCTION customer_changes(old customers, new customers, old_contacts json, new_contacts json)
    RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT
        CASE WHEN old.name IS DISTINCT FROM new.name THEN
            jsonb_build_array(jsonb_build_object('field', 'name', 'old', old.name, 'new', new.name)) ELSE '[]' END ||
        CASE WHEN old.real_name IS DISTINCT FROM new.real_name THEN
            jsonb_build_array(jsonb_build_object('field', 'real_name', 'old', old.real_name, 'new', new.real_name)) ELSE '[]' END ||
        CASE WHEN old.company IS DISTINCT FROM new.company THEN
            jsonb_build_array(jsonb_build_object('field', 'company', 'old', old.company, 'new', new.company)) ELSE '[]' END ||
        CASE WHEN old.external_id IS DISTINCT FROM new.external_id THEN
            jsonb_build_array(jsonb_build_object('field', 'external_id', 'old', old.external_id, 'new', new.external_id)) ELSE '[]' END ||
        CASE WHEN old.stage IS DISTINCT FROM new.stage THEN
            jsonb_build_array(jsonb_build_object('field', 'stage', 'old', old.stage, 'new', new.stage)) ELSE '[]' END ||
        CASE WHEN old.owner IS DISTINCT FROM new.owner THEN
            jsonb_build_array(jsonb_build_object('field', 'owner', 'old', old.owner, 'new', new.owner)) ELSE '[]' END ||
        CASE WHEN old.service_rep IS DISTINCT FROM new.service_rep THEN
            jsonb_build_array(jsonb_build_object('field', 'service_rep', 'old', old.service_rep, 'new', new.service_rep)) ELSE '[]' END ||
        CASE WHEN old.source IS DISTINCT FROM new.source THEN
            jsonb_build_array(jsonb_build_object('field', 'source', 'old', old.source, 'new', new.source)) ELSE '[]' END ||
        CASE WHEN old.tags IS DISTINCT FROM new.tags THEN
            jsonb_build_array(jsonb_build_object('field', 'tags', 'old', old.tags, 'new', new.tags)) ELSE '[]' END ||
        CASE WHEN old.fields IS DISTINCT FROM new.fields THEN
            jsonb_build_array(jsonb_build_object('field', 'fields', 'old', old.fields, 'new', new.fields)) ELSE '[]' END ||
        CASE WHEN old_contacts::jsonb IS DISTINCT FROM new_contacts::jsonb THEN
            jsonb_build_array(jsonb_build_object('field', 'contacts', 'old', old_contacts::jsonb, 'new', new_contacts::jsonb)) ELSE '[]' END ||
        CASE WHEN old.pool IS DISTINCT FROM new.pool THEN
            jsonb_build_array(jsonb_build_object('field', 'pool', 'old', old.pool, 'new', new.pool)) ELSE '[]' END
$$;

-- As 0027 and 0042 have them, an index at a time, then a rest. By LATERAL, so that each key is looked up, whatever the planner believes: of an
-- index that was small once it would rather read all that the project has.
CREATE OR REPLACE FUNCTION lock_import(of integer, list jsonb) RETURNS void LANGUAGE plpgsql
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

CREATE OR REPLACE FUNCTION import_known(of integer, list jsonb) RETURNS SETOF bigint LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = on SET enable_seqscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
    externals text[];
    phones    text[];
    emails    text[];
BEGIN
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

CREATE OR REPLACE FUNCTION import_new(v viewer, args jsonb) RETURNS TABLE (n bigint, id uuid) LANGUAGE plpgsql SET enable_nestloop = off AS $$
#variable_conflict use_column
DECLARE
    most     integer;
    slots    integer;
    required text[];
    known    bigint[] := ARRAY(SELECT import_known(v.project, args -> 'rows'));
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
               customer_changes(NULL, m.row, NULL, shown.contacts)
        FROM fit f JOIN made m ON m.id = f.id,
            LATERAL (SELECT coalesce(json_agg(json_build_object('label', x -> 'label', 'phone', x -> 'phone', 'email', x -> 'email')), '[]') AS contacts
                     FROM jsonb_array_elements(f.item -> 'contacts') x) shown
        WHERE give_way() ORDER BY f.n
        RETURNING give_way()
    )
    SELECT f.n, f.id FROM fit f JOIN made m ON m.id = f.id;
END
$$;

CREATE OR REPLACE FUNCTION note_duplicates_of(of integer, ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
DECLARE
    phones  text[];
    emails  text[];
    sharing uuid[];
BEGIN
    SELECT array_agg(DISTINCT s.key) FILTER (WHERE s.kind = 'phone'), array_agg(DISTINCT s.key) FILTER (WHERE s.kind = 'email'),
           array_agg(DISTINCT s.customer)
    INTO phones, emails, sharing FROM shared_keys(of, ids) s;
    PERFORM give_way(); -- before it locks
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

CREATE OR REPLACE FUNCTION import_rows(of integer, by_role text, by_agent text, args jsonb) RETURNS jsonb LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
DECLARE
    v         viewer := viewer_of(of, by_role, by_agent);
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
    PERFORM analyze_new();
    PERFORM give_way_to_decisions(of, '0.7 ms');
    PERFORM lock_import(of, args -> 'rows'), give_way();
    BEGIN
        PERFORM set_config('patchbay.routes', 'on', true); -- whom it makes need not stand in the queue
        SELECT coalesce(array_agg(m.n), '{}'), coalesce(array_agg(m.id), '{}') INTO done, fresh FROM import_new(v, args) m;
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
    PERFORM facts_moved(of, moved, '{}');
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults,
                              'gives_way', current_setting('patchbay.give_way') <> '');
END
$$;

-- For one after the other, so that no sort of all of them is in one piece.
CREATE OR REPLACE FUNCTION lexemes_of(ids uuid[]) RETURNS TABLE (customer uuid, words tsvector) LANGUAGE sql AS $$
    SELECT c.id, (
        SELECT array_to_tsvector(array_agg(c.project || found.lexeme))
        FROM (
            SELECT 'w:' || unnest(words_of(concat_ws(' ', c.name, c.real_name, c.company, c.external_id))) AS lexeme
            UNION ALL
            SELECT unnest(ARRAY['w:' || word, 'p:' || k.phone_key, 'e:' || lower(k.email_key),
                                'd:' || nullif(regexp_replace(k.phone_key, '\D', '', 'g'), ''),
                                'd:' || nullif(regexp_replace(k.phone, '\D', '', 'g'), ''),
                                'r:' || nullif(reverse(regexp_replace(k.phone_key, '\D', '', 'g')), '')])
            FROM contacts k LEFT JOIN LATERAL unnest(words_of(k.email)) mail (word) ON true
            WHERE k.customer = c.id
        ) found
        WHERE found.lexeme IS NOT NULL)
    FROM customers c WHERE c.id = ANY (ids) AND give_way()
$$;

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
    DELETE FROM tag_counts t WHERE t.project = of AND t.n <= 0;
END
$$;

CREATE OR REPLACE FUNCTION index_customers(of integer, by_owner uuid, by_epoch bigint, page bigint)
    RETURNS TABLE (agent text, customer uuid, interaction uuid, channel smallint, at_ms bigint, more boolean)
    -- Planned while the tables may still be empty, and kept: whatever the planner believes then, nothing is read whole.
    LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
#variable_conflict use_column
DECLARE
    ids   uuid[];
    taken bigint;
    mark  customer_marks;
    first bigint;
    rows_read bigint;
    heard jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM fences f WHERE f.project = of AND f.owner = by_owner AND f.epoch = by_epoch) THEN
        RETURN;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('patchbay.index_customers'), of) THEN -- an import has it for a moment
        RETURN QUERY SELECT NULL::text, NULL::uuid, NULL::uuid, NULL::smallint, NULL::bigint, true;
        RETURN;
    END IF;
    -- What a crash of the database takes back is looked at again: nobody waits for the disk here, and decisions do not either.
    PERFORM set_config('synchronous_commit', 'off', true), give_way_to_decisions(of, '0.4 ms');
    -- By place, which is found in one way only: by number, a plan that was made while the queue was empty compares each row with each number.
    -- Nobody else deletes or changes rows.
    WITH gone AS (
        DELETE FROM customer_queue q
        WHERE q.ctid = ANY (ARRAY(SELECT o.ctid FROM customer_queue o WHERE o.project = of ORDER BY o.id LIMIT page)) RETURNING q.customer
    )
    SELECT array_agg(DISTINCT g.customer), count(*) INTO ids, taken FROM gone g;

    SELECT m.* INTO mark FROM customer_marks m WHERE m.project = of;
    IF mark.project IS NULL THEN
        INSERT INTO customer_marks VALUES (of, 0, 0) ON CONFLICT DO NOTHING;
        mark := (of, 0, 0);
    END IF;
    -- Numbers have no gaps, but for days that are not kept any more.
    PERFORM give_way();
    SELECT min(j.seq) INTO first FROM journal j WHERE j.project = of AND j.seq > mark.seq AND j.at_ms >= mark.at_ms;
    PERFORM give_way();
    WITH recent AS (
        SELECT j.seq, j.at_ms, j.kind, j.interaction FROM journal j
        WHERE j.project = of AND j.seq >= first AND j.seq < first + page AND j.at_ms >= mark.at_ms
    ), about AS (
        -- One by one (LIMIT): joins that were planned in the first minute of a project would go through the whole day for each page.
        -- A row of content is a call, a message or a mail; without a recipient it is what an agent wrote. Customers are made by
        -- these and by who takes a call (INPUT_ACCEPT, INPUT_PULL).
        SELECT r.seq, r.at_ms, i.id, i.customer, i.channel, i.agent, i.conversation, i.identity = 1 AS created,
               k.seq IS NOT NULL AS says, k.recipient IS NOT NULL AND NOT i.outbound AS heard
        FROM recent r
        LEFT JOIN LATERAL (SELECT t.seq, t.recipient FROM content t
                           WHERE r.kind = 1 AND t.project = of AND t.seq = r.seq AND t.at_ms = r.at_ms LIMIT 1) k ON true
        CROSS JOIN LATERAL (SELECT t.* FROM interactions t WHERE t.id = r.interaction LIMIT 1) i
        WHERE i.customer IS NOT NULL AND (r.kind IN (2, 12) OR k.seq IS NOT NULL) AND give_way(r.seq)
    ), made AS (
        -- Whom somebody was taken for before a link (INPUT_LINK), too: it may have been made by the very interaction and is not the
        -- one that this is about any more.
        SELECT a.customer FROM about a WHERE a.created
        UNION ALL -- by a hash, one of 1.5 MB would be made for the hundred thousand that the planner believes in
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
        RETURNING give_way()
    )
    SELECT (SELECT count(*) FROM recent),
           array_cat(ids, (SELECT array_agg(DISTINCT m.customer) FROM made m
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
        PERFORM give_way(), index_some(of, ids), give_way();
        PERFORM note_duplicates_of(of, ids); -- last, as its locks on contacts are what a merge and an erasure take last
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

-- What was set aside until there are 4 MB is put in its place at once then, which keeps a processor busy for 0.2 s.
ALTER INDEX customer_words_words SET (fastupdate = off);
ALTER INDEX customers_tags SET (fastupdate = off);
DO $$
BEGIN
    PERFORM gin_clean_pending_list('customer_words_words'), gin_clean_pending_list('customers_tags');
END
$$;

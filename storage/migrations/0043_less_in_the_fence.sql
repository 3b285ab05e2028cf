-- Less is done with the fence in hand, and by fewer processes: what keeps up with customers off the event path finds duplicates too, and an
-- import makes findable whom it makes.

-- Keys of these customers that others have too and that are not noted yet.
CREATE FUNCTION shared_keys(of integer, ids uuid[]) RETURNS TABLE (kind text, key text, customer uuid) LANGUAGE plpgsql
    SET search_path = patchbay, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
BEGIN
    RETURN QUERY
    SELECT 'phone', k.phone_key, k.customer FROM contacts k JOIN customers mine ON mine.id = k.customer AND mine.deleted_at IS NULL
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.phone_key = k.phone_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
      AND NOT EXISTS (SELECT FROM duplicates d WHERE d.project = of AND d.kind = 'phone' AND d.key = k.phone_key)
    UNION ALL
    SELECT 'email', k.email_key, k.customer FROM contacts k JOIN customers mine ON mine.id = k.customer AND mine.deleted_at IS NULL
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.email_key = k.email_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
      AND NOT EXISTS (SELECT FROM duplicates d WHERE d.project = of AND d.kind = 'email' AND d.key = k.email_key);
END
$$;
REVOKE EXECUTE ON FUNCTION shared_keys(integer, uuid[]) FROM PUBLIC;

-- By index_customers(), soon after the commit of whoever made, changed or merged somebody: it sees what was committed before, and the one
-- who comes later is looked at later. It waits for nobody: contacts that somebody is just taking away are not counted, and who has such a key
-- is looked at again. Those that count cannot be taken away before this is committed, so an erasure, which forgets the keys after the
-- contacts, finds the keys.
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

DROP TRIGGER contacts_note_duplicates ON contacts;
DROP FUNCTION note_duplicates();

-- As 0042 has it, with duplicates; each row of the journal is asked for its content and its interaction.
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
    PERFORM set_config('synchronous_commit', 'off', true);
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
    SELECT min(j.seq) INTO first FROM journal j WHERE j.project = of AND j.seq > mark.seq AND j.at_ms >= mark.at_ms;
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
        WHERE i.customer IS NOT NULL AND (r.kind IN (2, 12) OR k.seq IS NOT NULL)
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
        PERFORM index_some(of, ids);
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

-- As 0025 has it. Rows that become customers are made findable here, and not by index_customers() a moment later: two at work for one import
-- are one processor more that decisions do not get. What that keeps for itself is taken over from it until the commit, so that of two who
-- come with one key it looks at one when the other is there.
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
    PERFORM lock_import(of, args -> 'rows');
    BEGIN
        PERFORM set_config('patchbay.routes', 'on', true); -- whom it makes need not stand in the queue
        SELECT coalesce(array_agg(m.n), '{}'), coalesce(array_agg(m.id), '{}') INTO done, fresh FROM import_new(v, args) m;
        PERFORM set_config('patchbay.routes', 'off', true);
        created := cardinality(done);
        moved := fresh;
        FOR one IN SELECT x.item, x.n FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY x (item, n)
                   WHERE x.n <> ALL (done) ORDER BY x.n LOOP
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
        PERFORM index_some(of, fresh);
        PERFORM note_duplicates_of(of, fresh);
    END IF;
    PERFORM facts_moved(of, moved, '{}');
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults);
END
$$;

-- Planned once for a connection, whoever calls it.
ALTER FUNCTION index_some(integer, uuid[]) SET plan_cache_mode = force_generic_plan;

-- Imports and what makes customers findable at less cost, since decisions share the database's processors with them.

-- As 0021 has it; what is to be looked at leaves the queue by its place. By number, a plan that was made while the queue was empty, and is kept
-- as long as the connection, compared each row of it with each number of the page. Nobody else takes rows away or changes them.
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
    IF NOT pg_try_advisory_xact_lock(hashtext('patchbay.index_customers'), of)
       OR NOT EXISTS (SELECT FROM fences f WHERE f.project = of AND f.owner = by_owner AND f.epoch = by_epoch) THEN
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
        -- A row of content is a call, a message or a mail; without a recipient it is what an agent wrote. Customers are made by
        -- these and by who takes a call (INPUT_ACCEPT, INPUT_PULL).
        SELECT r.seq, r.at_ms, i.id, i.customer, i.channel, i.agent, i.conversation, i.identity = 1 AS created,
               k.seq IS NOT NULL AS says, k.recipient IS NOT NULL AND NOT i.outbound AS heard
        FROM recent r
        LEFT JOIN content k ON r.kind = 1 AND k.project = of AND k.seq = r.seq AND k.at_ms = r.at_ms
        JOIN interactions i ON i.id = r.interaction AND i.customer IS NOT NULL
        WHERE r.kind IN (2, 12) OR k.seq IS NOT NULL
    ), made AS (
        -- Whom somebody was taken for before a link (INPUT_LINK), too: it may have been made by the very interaction and is not the
        -- one that this is about any more.
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

-- As 0032 has it; planned once for a connection and not with each chunk.
CREATE OR REPLACE FUNCTION import_known(of integer, list jsonb) RETURNS SETOF bigint LANGUAGE plpgsql STABLE
    SET plan_cache_mode = force_generic_plan SET enable_nestloop = on SET enable_seqscan = off
    SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
BEGIN
    RETURN QUERY
    WITH given AS MATERIALIZED (
        SELECT x.n, x.item FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n)
    ), keys AS MATERIALIZED (
        SELECT DISTINCT g.n, k.key
        FROM given g, jsonb_array_elements(g.item -> 'contacts') c, LATERAL (VALUES (c ->> 'phone_key'), (c ->> 'email_key')) k (key)
        WHERE k.key IS NOT NULL
    )
    SELECT s.n FROM (SELECT k.n, count(*) OVER (PARTITION BY k.key) AS rows_with FROM keys k) s WHERE s.rows_with > 1
    UNION
    SELECT s.n FROM (SELECT g.n, count(*) OVER (PARTITION BY g.item ->> 'external_id') AS rows_with FROM given g
                     WHERE g.item ? 'external_id') s WHERE s.rows_with > 1
    UNION
    SELECT g.n FROM given g WHERE g.item ? 'strangers'
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.phone_key = k.key
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.email_key = k.key
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.deleted_at IS NULL
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.merged_into IS NOT NULL;
END
$$;

-- Rows that become customers meet who was made of them by a hash: 200 by 200 one with each other was a tenth of an import.
ALTER FUNCTION import_new(viewer, jsonb) SET enable_nestloop = off;

-- As 0024 has it; planned once for a connection and not with each chunk.
CREATE OR REPLACE FUNCTION note_duplicates_of(of integer, ids uuid[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
    SET enable_mergejoin = off AS $$
BEGIN
    INSERT INTO duplicates (project, kind, key, since_ms)
    SELECT DISTINCT of, 'phone', k.phone_key, now_ms() FROM contacts k
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.phone_key = k.phone_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
    UNION ALL
    SELECT DISTINCT of, 'email', k.email_key, now_ms() FROM contacts k
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.email_key = k.email_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
    ON CONFLICT DO NOTHING;
END
$$;

-- As 0013 has it; a change without keys is anybody's here too, as it is to those who remember facts.
CREATE OR REPLACE FUNCTION facts_allow(of integer, decided_on bigint, decided_keys text[]) RETURNS boolean
    LANGUAGE plpgsql STRICT AS $$
DECLARE
    current_version bigint;
BEGIN
    SELECT f.facts_version INTO current_version FROM fences f WHERE f.project = of FOR UPDATE;
    -- A statement of its own: it sees what was committed while the one before waited for the row.
    RETURN NOT EXISTS (SELECT FROM changes c
                       WHERE c.project = of AND c.version > decided_on AND c.version <= current_version
                         AND (c.kind <> 'customer' OR coalesce(c.keys, '{}') = '{}' OR c.keys && decided_keys));
END
$$;

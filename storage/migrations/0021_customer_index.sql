-- index_customers() at less cost: what finds customers is made for a page at a time, only rows of the journal
-- that say something are looked into, and nobody waits for the disk.

-- Everything that finds a customer. Each begins with the project, so that others do not lie in the way: 7w: a word, 7p: and
-- 7e: canonical keys, 7d: the digits of a phone, as written and as canonical, 7r: those backwards, for its last ones.
CREATE FUNCTION lexemes_of(ids uuid[]) RETURNS TABLE (customer uuid, words tsvector) LANGUAGE sql STABLE AS $$
    SELECT found.id, array_to_tsvector(array_agg(DISTINCT found.project || found.lexeme))
    FROM (
        SELECT c.id, c.project, 'w:' || unnest(words_of(concat_ws(' ', c.name, c.real_name, c.company, c.external_id))) AS lexeme
        FROM customers c WHERE c.id = ANY (ids)
        UNION ALL
        SELECT k.customer, k.project,
               unnest(ARRAY['w:' || word, 'p:' || k.phone_key, 'e:' || lower(k.email_key),
                            'd:' || nullif(regexp_replace(k.phone_key, '\D', '', 'g'), ''),
                            'd:' || nullif(regexp_replace(k.phone, '\D', '', 'g'), ''),
                            'r:' || nullif(reverse(regexp_replace(k.phone_key, '\D', '', 'g')), '')])
        FROM contacts k LEFT JOIN LATERAL unnest(words_of(k.email)) mail (word) ON true
        WHERE k.customer = ANY (ids)
    ) found
    WHERE found.lexeme IS NOT NULL
    GROUP BY found.id
$$;
REVOKE EXECUTE ON FUNCTION lexemes_of(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lexemes_of(uuid[]) TO patchbay_server;

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

-- The part of index_customers() that looks at customers. Each table is asked for the rows of `ids`, so that joins of what comes of that may be any.
CREATE OR REPLACE FUNCTION index_some(of integer, ids uuid[]) RETURNS void
    LANGUAGE plpgsql SET enable_hashjoin = on SET enable_mergejoin = on AS $$
BEGIN
    WITH now_is AS (
        SELECT c.id, c.tags, coalesce(l.words, '') AS words
        FROM customers c LEFT JOIN lexemes_of(ids) l ON l.customer = c.id
        WHERE c.id = ANY (ids) AND c.deleted_at IS NULL
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
    )
    INSERT INTO customer_words AS w (customer, project, words, tags)
    SELECT n.id, of, n.words, n.tags FROM now_is n ORDER BY n.id
    ON CONFLICT (customer) DO UPDATE SET words = excluded.words, tags = excluded.tags
    WHERE (w.words, w.tags) IS DISTINCT FROM (excluded.words, excluded.tags);
    DELETE FROM tag_counts t WHERE t.project = of AND t.n <= 0;
END
$$;

DROP FUNCTION customer_lexemes(customers);

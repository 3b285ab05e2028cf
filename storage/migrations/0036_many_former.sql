-- Somebody who had tens of thousands of contacts is erased in a time that grows with these, and an export of a stage goes on where it was:
-- docs/customers.md, docs/import-export.md.

-- --- Erasing ---

-- Contacts that somebody who is being erased had before, with their keys, which the server makes of a page of them at a time.
CREATE TABLE erasure_contacts (
    customer uuid NOT NULL,
    kind     text NOT NULL,
    text     text NOT NULL,
    key      text,
    is_keyed boolean NOT NULL DEFAULT false, -- the server was asked; some have no key
    PRIMARY KEY (customer, kind, text)
);
CREATE INDEX erasure_contacts_keyless ON erasure_contacts (customer) WHERE NOT is_keyed;

-- Takes the keys of `given`, and gives the next contacts that still lack theirs; none: all have. NULL: whoever asks gives no keys.
CREATE FUNCTION keyless_contacts(erased uuid, ids uuid[], given jsonb, most integer) RETURNS jsonb[] LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
DECLARE
    page jsonb[] := '{}';
BEGIN
    IF given IS NULL THEN
        RETURN page;
    END IF;
    IF given = '[]' THEN -- a new try: those of one that was given up may have been made in another region
        DELETE FROM erasure_contacts e WHERE e.customer = erased;
    END IF;
    INSERT INTO erasure_contacts AS e (customer, kind, text, key, is_keyed)
    SELECT DISTINCT ON (g.kind, g.text) erased, g.kind, g.text, g.key, true FROM jsonb_to_recordset(given) g (kind text, text text, key text)
    ON CONFLICT (customer, kind, text) DO UPDATE SET key = excluded.key, is_keyed = true;
    FOR pass IN 1..2 LOOP
        page := ARRAY(SELECT jsonb_build_object('kind', e.kind, 'text', e.text) FROM erasure_contacts e
                      WHERE e.customer = erased AND NOT e.is_keyed LIMIT most);
        EXIT WHEN cardinality(page) > 0 OR pass = 2;
        -- All who are known, so once when it begins and once at its end.
        INSERT INTO erasure_contacts (customer, kind, text) SELECT erased, was.kind, was.text FROM former_contacts(ids) was
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN page;
END
$$;

-- Why an interaction ended: our own words stay, those of its source may be anything.
CREATE FUNCTION erased_cause(cause text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN cause IN ('agent', 'supervisor', 'agent_gone', 'blocked') THEN cause ELSE 'ended' END
$$;

-- A recorded input (rules/record_input.c) of call.ended or chat.ended, in hex, up to the cause, which is its last text: {that, the
-- conversation}. NULL: it is another one, or has no cause.
CREATE FUNCTION told_end(input bytea) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    -- Version, kind, type; the time; flags and class; the region; the conversation; no thread, no agent; a length that is not 0.
    SELECT regexp_match(encode(input, 'hex'),
        '^(02010[24](?:[89a-f].)*[0-7].....(?:00|02.{4}|03.{6})01(.{32})0000)(?!00)')
$$;

-- As 0028 has it, but that keys are kept between calls and that no list is compared with another one item by item.
-- {customer, former: [{kind, text, key}], most}: all of the person but what stands in the journal's content, which erase_content() goes
-- through page by page.
CREATE OR REPLACE FUNCTION erase_customer(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET work_mem = '64MB' AS $$
DECLARE
    erased  uuid := args ->> 'customer';
    now_ms  bigint := args ->> 'now_ms';
    v       viewer := viewer_of(of, by_role, by_agent);
    person  customers;
    all_ids uuid[];
    unknown jsonb[];
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
        DELETE FROM erasure_contacts x WHERE x.customer = person.id;
        RETURN;
    END IF;
    IF right_on(v, person) < 3 THEN
        RETURN QUERY SELECT 'forbidden', 'only an admin may erase a customer', NULL;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids)) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction of this customer is still open: end it first', NULL;
        DELETE FROM erasure_contacts x WHERE x.customer = erased;
        RETURN;
    END IF;
    unknown := keyless_contacts(erased, all_ids, args -> 'former', (args ->> 'most')::integer);
    IF cardinality(unknown) > 0 THEN
        RETURN QUERY SELECT 'ok', json_build_object('known', args -> 'former', 'unknown', unknown)::text, NULL;
        RETURN;
    END IF;
    SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') INTO lists FROM contacts k WHERE k.customer = ANY (all_ids);
    SELECT lists || coalesce(jsonb_agg(item), '[]') INTO lists
    FROM customer_merges m, jsonb_array_elements(coalesce(m.customer_was -> 'contacts', '[]') || coalesce(m.other_was -> 'contacts', '[]')) item
    WHERE (m.customer = ANY (all_ids) OR m.other = ANY (all_ids)) AND item ->> 'customer' = ANY (all_ids::text[]);
    all_keys := keys_of(lists) || ARRAY(SELECT x FROM jsonb_array_elements(lists) i, LATERAL (VALUES (i ->> 'phone'), (i ->> 'email')) t (x)
                                        WHERE x IS NOT NULL)
        -- What they had before, as it was written and by its key.
        || ARRAY(SELECT DISTINCT x
                 FROM former_contacts(all_ids) was LEFT JOIN erasure_contacts given
                     ON given.customer = erased AND given.kind = was.kind AND given.text = was.text,
                     LATERAL (VALUES (was.text), (coalesce(given.key, lower(was.text)))) t (x)
                 -- Not what is somebody else's today.
                 WHERE NOT EXISTS (SELECT FROM contacts k
                                   WHERE k.project = of AND k.customer <> ALL (all_ids)
                                     AND (k.phone_key IN (was.text, given.key) OR k.email_key IN (was.text, given.key))));
    -- One that nobody knows to be about this customer, but from a number or an address of theirs.
    IF EXISTS (SELECT FROM interactions i JOIN content k ON k.project = of AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
               WHERE i.project = of AND i.closed_ms IS NULL AND i.customer IS NULL
                 AND (k.phone_key IN (SELECT unnest(all_keys)) OR k.email_key IN (SELECT unnest(all_keys)))) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction from a number or an address of this customer is still open: end it first', NULL;
        DELETE FROM erasure_contacts x WHERE x.customer = erased;
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
    UPDATE interactions i SET routing = NULL, cause = erased_cause(i.cause)
    WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL;
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
          AND (x.key IN (SELECT unnest(all_keys))
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
                    AND (k.phone_key IN (SELECT unnest(all_keys)) OR k.email_key IN (SELECT unnest(all_keys)))) THEN
        RAISE EXCEPTION 'an interaction of this customer has just begun' USING ERRCODE = 'serialization_failure';
    END IF;
    UPDATE erasures e
    SET last_seq = f.journal_seq,
        interactions = ARRAY(SELECT i.id FROM interactions i WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL)
    FROM fences f WHERE f.project = of AND e.customer = erased;
    DELETE FROM datasheets d USING erasures e WHERE e.customer = erased AND d.interaction = ANY (e.interactions);
    INSERT INTO changes (project, version, kind, ref, keys) VALUES (of, now_facts, 'customer', erased, '{}');
    UPDATE changes c SET keys = '{}'
    WHERE c.project = of AND c.version IN (
        SELECT x.version FROM changes x, unnest(x.keys) one (key) WHERE x.project = of AND one.key IN (SELECT unnest(all_keys)));
    DELETE FROM duplicates d WHERE d.project = of AND d.key IN (SELECT unnest(all_keys))
        AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of AND (k.phone_key = d.key OR k.email_key = d.key));
    FOREACH b IN ARRAY blocks LOOP
        PERFORM lift_blocks(of, ARRAY[b], actor_of(by_role, by_agent), now_ms);
        -- Nobody's, and not what a replay takes for a key that was erased (RECORD_ERASED_KEY); of the form that its kind is matched by.
        UPDATE blacklist x
        SET key = CASE x.kind WHEN 'email' THEN '?@!' WHEN 'prefix' THEN '!' ELSE '?' END, value = NULL, reason = NULL
        WHERE x.id = b;
    END LOOP;
    UPDATE blacklist x SET reason = NULL WHERE x.customer = ANY (all_ids);
    DELETE FROM erasure_contacts x WHERE x.customer = ANY (all_ids);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN QUERY SELECT 'ok', json_build_object('customer', erased, 'done', false)::text, NULL;
END
$$;

-- As 0027 has it, but for how keys are compared.
-- Empties the content of the person in the next `page` rows of the journal. A row that is of somebody else who has the same key stays.
CREATE OR REPLACE FUNCTION erase_content(of integer, erased uuid, page bigint)
    RETURNS TABLE (done boolean, emptied bigint) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET work_mem = '64MB' AS $$
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
          AND (j.interaction IN (SELECT unnest(e.interactions))
               OR ((k.phone_key IN (SELECT unnest(e.keys)) OR k.email_key IN (SELECT unnest(e.keys)) OR k.phone IN (SELECT unnest(e.keys))
                    OR k.email IN (SELECT unnest(e.keys)) OR k.recipient IN (SELECT unnest(e.keys)))
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
    -- Why a source said that an interaction of theirs ended: one that is known to be, or whose beginning was emptied.
    WITH told AS MATERIALIZED (
        SELECT j.seq, j.at_ms, j.interaction, t.parts
        FROM journal j, LATERAL (SELECT told_end(j.input) AS parts) t
        WHERE j.project = of AND j.seq >= e.next_seq AND j.seq < e.next_seq + page AND j.seq <= e.last_seq AND t.parts IS NOT NULL
    ), theirs AS (
        SELECT told.* FROM told
        WHERE told.parts[2]::uuid IN (SELECT i.conversation FROM interactions i WHERE i.id = ANY (e.interactions))
           OR EXISTS (SELECT FROM interactions i JOIN content k ON k.project = of AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
                      WHERE i.id = told.interaction AND i.customer IS NULL AND k.subject IS NULL)
    ), rows AS (
        UPDATE interactions i SET cause = erased_cause(i.cause) FROM theirs WHERE i.id = theirs.interaction
    )
    UPDATE journal j SET input = decode(theirs.parts[1] || '00', 'hex') FROM theirs
    WHERE j.project = of AND j.seq = theirs.seq AND j.at_ms = theirs.at_ms;
    IF e.next_seq + page > e.last_seq THEN
        DELETE FROM erasures x WHERE x.customer = erased;
        RETURN QUERY SELECT true, e.emptied + n;
    ELSE
        UPDATE erasures x SET next_seq = e.next_seq + page, emptied = e.emptied + n WHERE x.customer = erased;
        RETURN QUERY SELECT false, e.emptied + n;
    END IF;
END
$$;

REVOKE ALL ON erasure_contacts FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION keyless_contacts(uuid, uuid[], jsonb, integer), erased_cause(text), told_end(bytea) FROM PUBLIC;

-- --- Exports ---

-- {after, stage, owner, source, tag, limit}: the next customers of an export, in the order in which they were made. An index that has this
-- order is walked on from `after`, so that all pages together touch what one walk does, however few of it the caller may view. Those with
-- a tag may be looked up instead, which each page does for all of them: not where that would be more than the walk, of which the planner
-- knows only what it was when customers were last analyzed.
CREATE OR REPLACE FUNCTION export_page(of integer, by_role text, by_agent text, args jsonb) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off AS $$
DECLARE
    name  text;
    given text[] := ARRAY[format('c.project = %s AND c.deleted_at IS NULL', of)];
BEGIN
    FOREACH name IN ARRAY ARRAY['stage', 'owner', 'source'] LOOP
        IF args ? name THEN
            given := given || format('c.%I = %L', name, args ->> name);
        END IF;
    END LOOP;
    IF args ? 'tag' THEN
        given := given || format('c.tags @> ARRAY[%L] AND c.tags <> ''{}''', args ->> 'tag');
        IF (SELECT coalesce(sum(t.n) ^ 2 <= (args ->> 'limit')::bigint * greatest(sum(t.n), max(r.reltuples)), true)
            FROM tag_counts t, pg_class r
            WHERE t.project = of AND t.tag = args ->> 'tag' AND r.oid = 'customers'::regclass) THEN
            PERFORM set_config('enable_sort', 'on', true), set_config('enable_bitmapscan', 'on', true);
        END IF;
    END IF;
    IF args ? 'after' THEN
        given := given || format('(c.created_at, c.id) > (%L::timestamptz, %L::uuid)',
            (SELECT c.created_at FROM customers c WHERE c.id = (args ->> 'after')::uuid), args ->> 'after');
    END IF;
    RETURN QUERY EXECUTE format('SELECT c.id FROM customers c WHERE %s ORDER BY c.created_at, c.id LIMIT %L',
        array_to_string(given || view_condition(viewer_of(of, by_role, by_agent)), ' AND '), args ->> 'limit');
END
$$;

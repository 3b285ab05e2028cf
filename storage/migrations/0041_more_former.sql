-- Somebody who had hundreds of thousands of contacts is erased too: no statement goes through all of the log: docs/customers.md.

-- Up to where the log of somebody who is being erased, or of a part of them, was gone through for what they had before.
CREATE TABLE erasure_listed (
    customer uuid NOT NULL,
    part     uuid NOT NULL, -- the customer, or one who was merged into them
    last_log bigint NOT NULL,
    PRIMARY KEY (customer, part)
);

-- Of these, and of whoever had one of them merged into them while an erasure was begun: theirs begins anew.
CREATE FUNCTION forget_former(ids uuid[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM erasure_contacts e
    WHERE e.customer = ANY (ids) OR e.customer IN (SELECT l.customer FROM erasure_listed l WHERE l.part = ANY (ids));
    DELETE FROM erasure_listed e
    WHERE e.customer = ANY (ids) OR e.customer IN (SELECT l.customer FROM erasure_listed l WHERE l.part = ANY (ids))
$$;

DROP FUNCTION former_contacts(uuid[]);
-- As 0028 has it, of one customer's entries behind `since` up to `last`.
CREATE FUNCTION former_contacts(part uuid, since bigint, last bigint) RETURNS TABLE (kind text, text text) LANGUAGE sql STABLE AS $$
    SELECT DISTINCT was.kind, was.text
    FROM customer_log l, jsonb_array_elements(l.changes) change,
         LATERAL (VALUES (change -> 'old'), (change -> 'new')) side (list),
         jsonb_array_elements(CASE jsonb_typeof(side.list) WHEN 'array' THEN side.list ELSE '[]' END) contact,
         LATERAL (VALUES ('phone', contact ->> 'phone'), ('email', contact ->> 'email')) was (kind, text)
    WHERE l.customer = part AND l.id > since AND l.id <= last AND l.operation IN ('Create customer', 'Edit customer', 'Import customer')
      AND change ->> 'field' = 'contacts' AND was.text IS NOT NULL
$$;

-- Goes on with the next entries of the log; false: there are none. They are in the order in which they were made, since whoever makes one
-- has the customer's row, as we do.
CREATE FUNCTION list_former(erased uuid, ids uuid[]) RETURNS boolean LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    one   uuid;
    since bigint;
    last  bigint;
BEGIN
    FOREACH one IN ARRAY ids LOOP
        since := coalesce((SELECT e.last_log FROM erasure_listed e WHERE e.customer = erased AND e.part = one), 0);
        SELECT max(page.id) INTO last
        FROM (SELECT l.id FROM customer_log l WHERE l.customer = one AND l.id > since ORDER BY l.id LIMIT 2000) page;
        CONTINUE WHEN last IS NULL;
        INSERT INTO erasure_contacts (customer, kind, text) SELECT erased, was.kind, was.text FROM former_contacts(one, since, last) was
        ON CONFLICT DO NOTHING;
        INSERT INTO erasure_listed AS e (customer, part, last_log) VALUES (erased, one, last)
        ON CONFLICT (customer, part) DO UPDATE SET last_log = excluded.last_log;
        RETURN true;
    END LOOP;
    RETURN false;
END
$$;

-- Takes the keys of `given`, and gives the next contacts that still lack theirs; none: all have. NULL: whoever asks gives no keys. Where
-- the next entries of the log bring nothing new, one whose key is known is asked for again, so that the next call goes on behind them.
CREATE OR REPLACE FUNCTION keyless_contacts(erased uuid, ids uuid[], given jsonb, most integer) RETURNS jsonb[] LANGUAGE plpgsql
    SET enable_seqscan = off AS $$
DECLARE
    page       jsonb[] := '{}';
    has_listed boolean := false;
BEGIN
    -- A new try: keys of one that was given up may have been made in another region. Or they are of somebody who is no part any more.
    IF given = '[]' OR EXISTS (SELECT FROM erasure_listed l WHERE l.customer = erased AND l.part <> ALL (ids)) THEN
        given := '[]';
        PERFORM forget_former(ARRAY[erased]);
    END IF;
    IF given IS NULL THEN
        PERFORM forget_former(ARRAY[erased]);
        WHILE list_former(erased, ids) LOOP
        END LOOP;
        RETURN page;
    END IF;
    INSERT INTO erasure_contacts AS e (customer, kind, text, key, is_keyed)
    SELECT DISTINCT ON (g.kind, g.text) erased, g.kind, g.text, g.key, true FROM jsonb_to_recordset(given) g (kind text, text text, key text)
    ON CONFLICT (customer, kind, text) DO UPDATE SET key = excluded.key, is_keyed = true;
    LOOP
        page := ARRAY(SELECT jsonb_build_object('kind', e.kind, 'text', e.text) FROM erasure_contacts e
                      WHERE e.customer = erased AND NOT e.is_keyed LIMIT most);
        EXIT WHEN cardinality(page) > 0 OR has_listed AND EXISTS (SELECT FROM erasure_contacts e WHERE e.customer = erased);
        has_listed := list_former(erased, ids);
        EXIT WHEN NOT has_listed;
    END LOOP;
    IF cardinality(page) = 0 AND has_listed THEN
        page := ARRAY(SELECT jsonb_build_object('kind', e.kind, 'text', e.text) FROM erasure_contacts e WHERE e.customer = erased LIMIT 1);
    END IF;
    RETURN page;
END
$$;

-- As 0036 has it, but that what they had before is read from where it was listed.
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
        IF person.id IS NOT NULL AND right_on(v, person) >= 3 THEN -- not for somebody who may only ask
            PERFORM forget_former(ARRAY[erased]);
        END IF;
        RETURN;
    END IF;
    IF right_on(v, person) < 3 THEN
        RETURN QUERY SELECT 'forbidden', 'only an admin may erase a customer', NULL;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids)) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction of this customer is still open: end it first', NULL;
        PERFORM forget_former(ARRAY[erased]);
        RETURN;
    END IF;
    IF person.erased_ms IS NULL THEN -- else their log is empty, and nothing is kept any more
        unknown := keyless_contacts(erased, all_ids, args -> 'former', (args ->> 'most')::integer);
    END IF;
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
                 FROM erasure_contacts was, LATERAL (VALUES (was.text), (coalesce(was.key, lower(was.text)))) t (x)
                 WHERE was.customer = erased
                   -- Not what is somebody else's today.
                   AND NOT EXISTS (SELECT FROM contacts k
                                   WHERE k.project = of AND k.customer <> ALL (all_ids)
                                     AND (k.phone_key IN (was.text, was.key) OR k.email_key IN (was.text, was.key))));
    -- One that nobody knows to be about this customer, but from a number or an address of theirs.
    IF EXISTS (SELECT FROM interactions i JOIN content k ON k.project = of AND k.seq = i.opened_seq AND k.at_ms = i.opened_ms
               WHERE i.project = of AND i.closed_ms IS NULL AND i.customer IS NULL
                 AND (k.phone_key IN (SELECT unnest(all_keys)) OR k.email_key IN (SELECT unnest(all_keys)))) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction from a number or an address of this customer is still open: end it first', NULL;
        PERFORM forget_former(ARRAY[erased]);
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
    PERFORM forget_former(all_ids);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN QUERY SELECT 'ok', json_build_object('customer', erased, 'done', false)::text, NULL;
END
$$;

REVOKE ALL ON erasure_listed FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION forget_former(uuid[]), former_contacts(uuid, bigint, bigint), list_former(uuid, uuid[]) FROM PUBLIC;

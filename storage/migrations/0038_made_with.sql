-- What a block of a customer makes for the old ids that are part of them, and what lifts it: docs/blacklist.md.

ALTER TABLE blacklist ADD made_with uuid; -- the block of a customer that this one is part of, for an old id; NULL: people's own
CREATE INDEX blacklist_made_with ON blacklist (made_with) WHERE made_with IS NOT NULL;

-- As 0003 has it; hits are those of what was made with it too.
CREATE OR REPLACE FUNCTION block_json(b blacklist, now_ms bigint) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', b.id, 'kind', b.kind, 'value', coalesce(b.customer::text, b.value), 'key', b.key,
        'channels', channels_json(b.channels), 'reason', b.reason, 'author', b.author,
        'start', time_text(b.start_ms), 'until', time_text(b.until_ms),
        'end', time_text(least(b.lifted_ms, b.until_ms)), 'lifted_by', b.lifted_by,
        'hits', b.hits + coalesce((SELECT sum(x.hits) FROM blacklist x WHERE x.made_with = b.id), 0)::bigint,
        'active', b.lifted_ms IS NULL AND (b.until_ms IS NULL OR b.until_ms > now_ms))
$$;

-- The fence is ours by now, here and below.
CREATE FUNCTION announce_blocks(of integer, what text, ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    now_facts bigint;
BEGIN
    IF cardinality(ids) = 0 THEN
        RETURN;
    END IF;
    UPDATE fences f SET facts_version = f.facts_version + cardinality(ids) WHERE f.project = of
    RETURNING f.facts_version INTO now_facts;
    INSERT INTO changes (project, version, kind, ref)
    SELECT of, now_facts - cardinality(ids) + b.n, what, b.id FROM unnest(ids) WITH ORDINALITY b (id, n);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
END
$$;

-- An open interaction keeps the customer that it began with, so what blocks a customer blocks the old ids that have one. Without the
-- reason: that is text about the one who stays.
CREATE FUNCTION cover_merged(of integer, stay_id uuid, now_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parts uuid[] := merged_ids(stay_id);
    start bigint := (SELECT greatest(now_ms, f.last_ms) FROM fences f WHERE f.project = of);
    made  uuid[];
BEGIN
    IF cardinality(parts) = 1 THEN
        RETURN;
    END IF;
    parts := ARRAY(SELECT DISTINCT i.customer FROM interactions i
                   WHERE i.project = of AND i.closed_ms IS NULL AND i.customer = ANY (parts) AND i.customer <> stay_id);
    WITH given AS (
        INSERT INTO blacklist (id, project, kind, customer, channels, author, start_ms, until_ms, made_with)
        SELECT make_id(start, row_number() OVER ()), of, 'customer', part.id, b.channels, b.author, start, b.until_ms, b.id
        FROM blacklist b, unnest(parts) part (id)
        WHERE b.project = of AND b.customer = stay_id AND b.lifted_ms IS NULL AND (b.until_ms IS NULL OR b.until_ms > start)
          AND NOT EXISTS (SELECT FROM blacklist x WHERE x.made_with = b.id AND x.customer = part.id AND x.lifted_ms IS NULL)
        RETURNING id
    )
    SELECT coalesce(array_agg(given.id), '{}') INTO made FROM given;
    PERFORM announce_blocks(of, 'block', made);
END
$$;

-- As 0013 has it; besides, all blocks of the one who stays hold for what is open of whoever is part of them by now.
CREATE OR REPLACE FUNCTION copy_blocks(of integer, from_id uuid, to_id uuid, by_whom text, now_ms bigint) RETURNS uuid[]
    LANGUAGE plpgsql AS $$
DECLARE
    start bigint := (SELECT greatest(now_ms, f.last_ms) FROM fences f WHERE f.project = of);
    made  uuid[];
BEGIN
    WITH given AS (
        INSERT INTO blacklist (id, project, kind, customer, channels, reason, author, start_ms, until_ms)
        SELECT make_id(now_ms, row_number() OVER (ORDER BY b.id)), of, 'customer', to_id, b.channels, b.reason, by_whom, start, b.until_ms
        FROM blacklist b
        WHERE b.project = of AND b.customer = from_id AND b.lifted_ms IS NULL AND (b.until_ms IS NULL OR b.until_ms > start)
        RETURNING id
    )
    SELECT coalesce(array_agg(given.id ORDER BY given.id), '{}') INTO made FROM given;
    PERFORM announce_blocks(of, 'block', made), cover_merged(of, to_id, now_ms);
    RETURN made;
END
$$;

-- As 0013 has it, with what was made with them.
CREATE OR REPLACE FUNCTION lift_blocks(of integer, ids uuid[], by_whom text, now_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone uuid[];
BEGIN
    WITH lifted AS (
        UPDATE blacklist b SET lifted_ms = greatest(now_ms, b.start_ms), lifted_by = by_whom
        WHERE (b.id = ANY (ids) OR b.made_with = ANY (ids)) AND b.lifted_ms IS NULL
        RETURNING b.id
    )
    SELECT coalesce(array_agg(lifted.id ORDER BY lifted.id), '{}') INTO gone FROM lifted;
    PERFORM announce_blocks(of, 'unblock', gone);
END
$$;

-- {id, kind, customer or key and value, channels (bits), until_ms, reason, author, now_ms, origin}. A block starts now, but not
-- before the last input: whatever is decided next is decided with it. Whoever is no supervisor blocks customers whom they may view. Who
-- was merged is blocked as who they are now. The fence comes first: a merge meanwhile is either seen here or sees the block.
CREATE FUNCTION add_block(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := args ->> 'now_ms';
    v      viewer := viewer_of(of, by_role, by_agent);
    person uuid;
    start  bigint;
    made   blacklist;
BEGIN
    SELECT greatest(now_ms, f.last_ms) INTO start FROM fences f WHERE f.project = of FOR UPDATE;
    SELECT c.id INTO person FROM customers c
    WHERE c.project = of AND c.id = merged_target((args ->> 'customer')::uuid) AND c.deleted_at IS NULL
      AND (v.roles && '{supervisor,admin}' OR right_on(v, c) >= 1);
    IF args ? 'customer' AND person IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'there is no such customer', '/customer';
        RETURN;
    END IF;
    IF (args ->> 'until_ms')::bigint <= start THEN
        RETURN QUERY SELECT 'invalid', 'must be in the future', '/until';
        RETURN;
    END IF;
    INSERT INTO blacklist (id, project, kind, customer, key, value, channels, reason, author, start_ms, until_ms)
    VALUES ((args ->> 'id')::uuid, of, args ->> 'kind', person, args ->> 'key', args ->> 'value', (args ->> 'channels')::smallint,
            args ->> 'reason', args ->> 'author', start, (args ->> 'until_ms')::bigint)
    RETURNING * INTO made;
    PERFORM announce_blocks(of, 'block', ARRAY[made.id]);
    IF person IS NOT NULL THEN
        PERFORM log_customer(of, by_role, by_agent, args, person, 'Block customer', block_changes(NULL, made)),
                cover_merged(of, person, now_ms);
    END IF;
    RETURN QUERY SELECT 'created', block_json(made, now_ms)::text, NULL;
END
$$;

-- {id, author, now_ms, origin}: ends a block, or the one that it was made with; one that is over stays as it is. The fence first, as
-- batches do: one that counts a hit of this very block would wait for us and we for it.
CREATE FUNCTION lift_block(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
DECLARE
    now_ms bigint := args ->> 'now_ms';
    was    blacklist;
BEGIN
    PERFORM FROM fences f WHERE f.project = of FOR UPDATE;
    SELECT b.* INTO was FROM blacklist x JOIN blacklist b ON b.id = coalesce(x.made_with, x.id)
    WHERE x.project = of AND x.id = (args ->> 'id')::uuid;
    IF was.id IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'there is no such block', NULL;
        RETURN;
    END IF;
    IF was.lifted_ms IS NULL AND (was.until_ms IS NULL OR was.until_ms > now_ms) THEN
        PERFORM lift_blocks(of, ARRAY[was.id], args ->> 'author', now_ms);
        IF was.customer IS NOT NULL THEN
            PERFORM log_customer(of, by_role, by_agent, args, was.customer, 'Unblock customer', block_changes(was, NULL));
        END IF;
    END IF;
    RETURN QUERY SELECT 'ok', block_json(b, now_ms)::text, NULL FROM blacklist b WHERE b.id = was.id;
END
$$;

-- As 0017 has it; besides, the other one and whoever is part of them are no longer blocked with the one who stays.
CREATE OR REPLACE FUNCTION unmerge_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
DECLARE
    stay_id uuid := args ->> 'customer';
    go_id   uuid := args ->> 'other';
    now_ms  bigint := args ->> 'now_ms';
    v       viewer := viewer_of(of, by_role, by_agent);
    stays   customers;
    goes    customers;
    was     customers;
    became  customers;
    back    customers;
    merge   customer_merges;
    has     jsonb;
    left_   jsonb;
    gave    jsonb;
    new_tags text[];
    new_fields jsonb;
BEGIN
    PERFORM FROM customers c WHERE c.id IN (stay_id, go_id) ORDER BY c.id FOR UPDATE;
    SELECT c.* INTO stays FROM customers c WHERE c.id = stay_id AND c.deleted_at IS NULL AND right_on(v, c) >= 1;
    SELECT c.* INTO goes FROM customers c WHERE c.id = go_id AND c.merged_into = stay_id AND c.erased_ms IS NULL;
    SELECT m.* INTO merge FROM customer_merges m
    WHERE m.project = of AND m.customer = stay_id AND m.other = go_id AND m.undone_ms IS NULL AND m.customer_was IS NOT NULL;
    IF stays.id IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'there is no such customer', NULL;
        RETURN;
    END IF;
    IF goes.id IS NULL OR merge.id IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'no such customer was merged into this one', '/other';
        RETURN;
    END IF;
    IF right_on(v, goes) < 1 THEN
        RETURN QUERY SELECT 'not_found', 'no such customer was merged into this one', '/other';
        RETURN;
    END IF;
    IF right_on(v, stays) < 2 OR right_on(v, goes) < 2 THEN
        RETURN QUERY SELECT 'forbidden', 'you may see these customers but not edit both', NULL;
        RETURN;
    END IF;
    was := jsonb_populate_record(NULL::customers, merge.customer_was -> 'row');
    became := jsonb_populate_record(NULL::customers, merge.customer_became -> 'row');
    new_tags := ARRAY(SELECT unnest(became.tags) EXCEPT SELECT unnest(was.tags));
    SELECT coalesce(jsonb_object_agg(key, value), '{}') INTO new_fields FROM jsonb_each(became.fields)
    WHERE NOT was.fields ? key;
    UPDATE customers c
    SET name = CASE WHEN c.name = became.name THEN was.name ELSE c.name END,
        real_name = CASE WHEN c.real_name = became.real_name THEN was.real_name ELSE c.real_name END,
        company = CASE WHEN c.company = became.company THEN was.company ELSE c.company END,
        external_id = CASE WHEN c.external_id = became.external_id THEN was.external_id ELSE c.external_id END,
        source = CASE WHEN c.source = became.source THEN was.source ELSE c.source END,
        tags = ARRAY(SELECT t.tag FROM unnest(c.tags) WITH ORDINALITY t (tag, n) WHERE t.tag <> ALL (new_tags) ORDER BY t.n),
        fields = (SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(c.fields) f
                  WHERE new_fields -> f.key IS DISTINCT FROM f.value),
        version = c.version + 1, updated_at = now()
    WHERE c.id = stay_id
    RETURNING c.* INTO back;
    -- A pool that is gone meanwhile holds nobody: who waited in it waits to be assigned (keep_customer()).
    PERFORM FROM pools p WHERE p.id IN (goes.pool, goes.home_pool) ORDER BY p.id FOR KEY SHARE;
    UPDATE customers c
    SET merged_into = NULL, deleted_at = NULL, updated_at = now(), version = c.version + 1,
        pool = (SELECT p.id FROM pools p WHERE p.id = c.pool), home_pool = (SELECT p.id FROM pools p WHERE p.id = c.home_pool)
    WHERE c.id = go_id;
    has := contact_rows(stay_id);
    gave := merge.other_was -> 'contacts';
    IF contacts_shown(has)::jsonb = contacts_shown(merge.customer_became -> 'contacts')::jsonb THEN
        left_ := merge.customer_was -> 'contacts';
    ELSE
        SELECT coalesce(jsonb_agg(item ORDER BY n), '[]') INTO left_
        FROM jsonb_array_elements(has) WITH ORDINALITY line (item, n)
        WHERE contact_text(item) IN (SELECT contact_text(x) FROM jsonb_array_elements(merge.customer_was -> 'contacts') x)
           OR contact_text(item) NOT IN (SELECT contact_text(x) FROM jsonb_array_elements(gave) x);
    END IF;
    PERFORM put_contacts(stay_id, left_), put_contacts(go_id, gave);
    DELETE FROM shares s USING jsonb_to_recordset(merge.shares) x (kind text, name text)
    WHERE s.customer = stay_id AND s.kind = x.kind AND s.name = x.name;
    INSERT INTO shares (project, customer, kind, name, shared_by, at_ms)
    SELECT s.project, go_id, s.kind, s.name, s.shared_by, s.at_ms FROM jsonb_populate_recordset(NULL::shares, merge.other_was -> 'shares') s
    ON CONFLICT DO NOTHING;
    PERFORM drop_follows(stay_id, merge.follows);
    UPDATE interactions i SET customer = go_id WHERE i.id = ANY (merge.interactions) AND i.customer = stay_id;
    -- As an event's batch: the fence, then what is known of somebody's last interaction.
    PERFORM FROM fences f WHERE f.project = of FOR UPDATE;
    UPDATE activity a
    SET interaction = coalesce(x.interaction, a.interaction), agent = x.agent, at_ms = x.at_ms
    FROM jsonb_populate_record(NULL::activity, merge.activity) x, activity b
    WHERE a.customer = stay_id AND b.customer = go_id AND a.interaction = b.interaction AND x.customer = stay_id;
    UPDATE customer_merges m SET undone_ms = now_ms WHERE m.id = merge.id;
    PERFORM log_customer(of, by_role, by_agent, args, stay_id, 'Unmerge customer',
                         customer_changes(stays, back, contacts_shown(has), contacts_shown(left_))
                         || jsonb_build_array(jsonb_build_object('field', 'merged', 'old', go_id, 'new', NULL))),
            log_customer(of, by_role, by_agent, args, go_id, 'Unmerge customer',
                         jsonb_build_array(jsonb_build_object('field', 'merged_into', 'old', stay_id, 'new', NULL)));
    PERFORM facts_moved(of, ARRAY[stay_id, go_id], keys_of(has));
    PERFORM lift_blocks(of, merge.blocks || ARRAY(
        SELECT x.id FROM blacklist b JOIN blacklist x ON x.made_with = b.id
        WHERE b.project = of AND b.customer = stay_id AND x.customer = ANY (merged_ids(go_id))), actor_of(by_role, by_agent), now_ms);
    RETURN QUERY SELECT 'ok', json_build_object('customer', customer_json(back, contacts_json(stay_id)), 'other',
        (SELECT customer_json(c, contacts_json(c.id)) FROM customers c WHERE c.id = go_id))::text, NULL;
END
$$;

REVOKE EXECUTE ON FUNCTION announce_blocks(integer, text, uuid[]), cover_merged(integer, uuid, bigint),
    add_block(integer, text, text, jsonb), lift_block(integer, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_blocks(integer, text, uuid[]), cover_merged(integer, uuid, bigint),
    add_block(integer, text, text, jsonb), lift_block(integer, text, text, jsonb) TO patchbay_server;

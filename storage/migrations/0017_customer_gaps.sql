-- What was missing of the operations on customers: docs/customers.md, docs/owners.md, docs/screen.md.

-- --- Merges ---

-- As 0013 has it; besides, whoever may not view the other one is told that it is not there, and a pool that was deleted since the
-- merge takes nobody back.
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
    PERFORM lift_blocks(of, merge.blocks, actor_of(by_role, by_agent), now_ms);
    RETURN QUERY SELECT 'ok', json_build_object('customer', customer_json(back, contacts_json(stay_id)), 'other',
        (SELECT customer_json(c, contacts_json(c.id)) FROM customers c WHERE c.id = go_id))::text, NULL;
END
$$;

-- --- Many back to a pool ---

-- {customers, pool, reason}: return_customer() for each, in one transaction. Gives [{customer, status, detail}].
CREATE FUNCTION return_customers(of integer, by_role text, by_agent text, args jsonb,
                                 OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    v     viewer := viewer_of(of, by_role, by_agent);
    ids   uuid[] := ARRAY(SELECT jsonb_array_elements_text(args -> 'customers')::uuid);
    given uuid := args ->> 'pool';
    gone  uuid[] := '{}';
    done  jsonb := '{}';
    old   customers;
    new   customers;
    may   integer;
    p     uuid;
    code  text;
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    PERFORM FROM pools s
    WHERE s.project = of
      AND (s.id = given OR s.id IN (SELECT c.home_pool FROM customers c WHERE c.project = of AND c.id = ANY (ids)))
    ORDER BY s.id FOR SHARE;
    IF given IS NOT NULL AND NOT EXISTS (SELECT FROM pools s WHERE s.project = of AND s.id = given) THEN
        status := 'not_found'; body := 'there is no such pool'; pointer := '/pool';
        RETURN;
    END IF;
    PERFORM FROM pool_members m
    WHERE (m.pool, m.agent) IN (SELECT c.home_pool, c.owner FROM customers c WHERE c.project = of AND c.id = ANY (ids))
    ORDER BY m.pool, m.agent FOR UPDATE;
    FOR old IN SELECT c.* FROM customers c WHERE c.project = of AND c.id = ANY (ids) AND c.deleted_at IS NULL ORDER BY c.id LOOP
        may := right_on(v, old);
        p := coalesce(given, (SELECT s.id FROM pools s WHERE s.project = of AND s.id = old.home_pool));
        code := CASE
            WHEN may < 1 THEN 'not_found'
            WHEN old.pool IS NOT NULL THEN 'already_taken'
            WHEN NOT may_return(v, old) THEN 'forbidden'
            WHEN p IS NULL THEN 'invalid'
            ELSE 'ok' END;
        done := done || jsonb_build_object(old.id, jsonb_strip_nulls(jsonb_build_object(
            'customer', old.id, 'status', code, 'detail', CASE code
                WHEN 'not_found' THEN 'there is no such customer'
                WHEN 'already_taken' THEN 'the customer is in a pool already'
                WHEN 'forbidden' THEN 'only its owner or an administrator may return a customer'
                WHEN 'invalid' THEN 'pool is required: the customer came out of no pool that is still there' END)));
        CONTINUE WHEN code <> 'ok';
        UPDATE customers c
        SET stage = 'pool', owner = NULL, pool = p, previous_owner = old.owner, returned_ms = (args ->> 'now_ms')::bigint,
            version = c.version + 1, updated_at = now()
        WHERE c.id = old.id RETURNING c.* INTO new;
        PERFORM note_in_log(of, ARRAY[new.id], args, 'Back customer', by_role, by_agent,
                            customer_changes(old, new, NULL, NULL) || change_of('reason', NULL, args ->> 'reason'));
        gone := gone || new.id;
    END LOOP;
    PERFORM facts_moved(of, gone, '{}');
    status := 'ok';
    body := (SELECT jsonb_agg(coalesce(done -> i.id::text, jsonb_build_object(
                 'customer', i.id, 'status', 'not_found', 'detail', 'there is no such customer')) ORDER BY i.n)
             FROM unnest(ids) WITH ORDINALITY i (id, n))::text;
END
$$;

-- An admin, its owner, the administrators of the pool that it came out of; who has none is returned by whoever may edit it and by
-- those who assign.
CREATE FUNCTION may_return(v viewer, c customers) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT right_on(v, c) = 3 OR coalesce(c.owner = v.agent, false) OR coalesce(c.home_pool = ANY (v.admin_pools), false)
           OR (c.owner IS NULL AND (right_on(v, c) = 2 OR v.role IN ('supervisor', 'pool_admin')))
$$;

-- --- Reminders ---

-- reclaim_customers(), and whom it reminded: their entries in the log are the only ones of that kind that are newer than what was
-- there before.
CREATE FUNCTION reclaim_and_remind(of integer, by_instance uuid, by_epoch bigint, now_ms bigint, most bigint)
    RETURNS TABLE (done integer, agent text, customer uuid, name text, pool uuid, returns_ms bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    seen    bigint := (SELECT coalesce(max(l.id), 0) FROM customer_log l WHERE l.project = of);
    changed integer := reclaim_customers(of, by_instance, by_epoch, now_ms, most);
BEGIN
    RETURN QUERY SELECT changed, NULL::text, NULL::uuid, NULL::text, NULL::uuid, NULL::bigint;
    IF changed > 0 THEN
        RETURN QUERY SELECT changed, c.owner, c.id, c.name, p.id, goes_back_ms(c, p)
        FROM customer_log l JOIN customers c ON c.id = l.customer JOIN pools p ON p.id = c.home_pool
        WHERE l.project = of AND l.id > seen AND l.operation = 'Remind owner' AND l.at_ms = now_ms AND c.reminded_ms = now_ms;
    END IF;
END
$$;

-- --- Tags ---

-- How many of the customers whom they may list have each tag. Nobody is to learn from a tag or its count of customers whom they may
-- not see, except supervisors and admins: they see those of the whole project, which are kept. Of more than 20,000 customers
-- nobody counts: then the first ones say which tags there are.
CREATE FUNCTION tags_seen(of integer, by_role text, by_agent text) RETURNS TABLE (tag text, n bigint) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    most constant integer := 20000;
    v    viewer;
BEGIN
    IF by_role IN ('supervisor', 'admin') THEN
        RETURN QUERY SELECT t.tag, t.n FROM tag_counts t WHERE t.project = of;
        RETURN;
    END IF;
    v := viewer_of(of, by_role, by_agent);
    RETURN QUERY
    WITH ids (id) AS (
        (SELECT c.id FROM customers c
         WHERE c.project = of AND c.owner = ANY (v.lists_of) AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT c.id FROM customers c WHERE c.project = of AND c.service_rep = v.agent AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT c.id FROM customers c
         WHERE c.project = of AND c.created_by = v.agent AND c.owner IS NULL AND c.pool IS NULL AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT c.id FROM customers c WHERE c.pool = ANY (v.pools || v.admin_pools) AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT c.id FROM customers c WHERE c.home_pool = ANY (v.admin_pools) AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT c.id FROM customers c
         WHERE v.role = 'pool_admin' AND c.project = of AND c.owner IS NULL AND c.deleted_at IS NULL LIMIT most + 1)
        UNION
        (SELECT s.customer FROM shares s
         WHERE s.project = of AND ((s.kind = 'agent' AND s.name = v.agent) OR (s.kind = 'role' AND s.name = ANY (v.roles))
                                   OR (s.kind = 'department' AND s.name = v.department)) LIMIT most + 1)
        UNION
        SELECT x.id FROM interactions i, unnest(i.customer || i.candidates) x (id)
        WHERE i.project = of AND i.closed_ms IS NULL AND i.agent = v.agent
    ), seen AS MATERIALIZED (
        SELECT c.tags FROM (SELECT id FROM ids LIMIT most + 1) row JOIN customers c USING (id)
        WHERE c.project = of AND c.deleted_at IS NULL
    )
    SELECT x.tag, CASE WHEN (SELECT count(*) FROM seen) <= most THEN count(*) END FROM seen, unnest(seen.tags) x (tag) GROUP BY 1;
END
$$;

-- --- Interactions ---

-- The agent was told of it, so it was offered or assigned to this agent at some time.
CREATE FUNCTION was_told(of integer, by_agent text, i interactions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM feed f
                   JOIN journal j ON j.project = f.project AND j.seq = f.seq AND j.at_ms = f.at_ms AND j.interaction = i.id
                   WHERE f.project = of AND f.agent = by_agent AND f.at_ms >= i.opened_ms)
$$;

-- Whose work it is or was last, and those who watch over all.
CREATE FUNCTION is_theirs(v viewer, i interactions) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT v.role IN ('supervisor', 'admin') OR coalesce(i.agent = v.agent, false)
$$;

-- Those of the customers whom the viewer may view.
CREATE FUNCTION customers_seen(v viewer, ids uuid[]) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY(SELECT i.id FROM unnest(ids) WITH ORDINALITY i (id, n) JOIN customers c ON c.id = merged_target(i.id)
                 WHERE c.deleted_at IS NULL AND right_on(v, c) >= 1 ORDER BY i.n)
$$;

-- interaction_json() for a viewer: whoever it is about is left out unless it is their work or a customer whom they may view.
CREATE FUNCTION interaction_seen(v viewer, i interactions, is_known boolean) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN is_known THEN whole.item
        WHEN i.customer = ANY (seen.ids) OR (i.customer IS NULL AND seen.ids <> '{}') THEN
            jsonb_set(whole.item, '{identity,candidates}', to_jsonb(ARRAY(
                SELECT x FROM unnest(i.candidates) x WHERE x = ANY (seen.ids))))
        ELSE whole.item || jsonb_build_object(
            'from', '{"phone": null, "email": null, "id": null, "name": null}'::jsonb,
            'subject', NULL,
            'identity', jsonb_build_object('outcome', whole.item #> '{identity,outcome}', 'customer', NULL, 'candidates', '[]'::jsonb))
    END
    FROM (SELECT interaction_json(i)::jsonb AS item) whole,
         LATERAL (SELECT CASE WHEN NOT is_known THEN customers_seen(v, i.customer || i.candidates) END AS ids) seen
$$;

REVOKE EXECUTE ON FUNCTION return_customers(integer, text, text, jsonb), may_return(viewer, customers),
    reclaim_and_remind(integer, uuid, bigint, bigint, bigint), tags_seen(integer, text, text), was_told(integer, text, interactions),
    is_theirs(viewer, interactions), customers_seen(viewer, uuid[]), interaction_seen(viewer, interactions, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION return_customers(integer, text, text, jsonb), may_return(viewer, customers),
    reclaim_and_remind(integer, uuid, bigint, bigint, bigint), tags_seen(integer, text, text), was_told(integer, text, interactions),
    is_theirs(viewer, interactions), customers_seen(viewer, uuid[]), interaction_seen(viewer, interactions, boolean) TO patchbay_server;

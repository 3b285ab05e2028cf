-- Lists that touch fewer rows still: docs/customer-lists.md.

-- Who was deleted keeps the tags: without `deleted_at` among its conditions, which all others have, this index can be met with them
-- (the planner takes two indexes with a condition in common for the same one twice). Takes the place of customers_tags in 0037.
CREATE INDEX customers_tags_new ON customers USING gin (tags) WHERE tags <> '{}';

-- --- Rights ---

DROP FUNCTION rights_condition(viewer, text[]);
-- right_on() >= 1, for the customers of `owners`, of customers c: a condition that has indexes, or the customers `known` by their ids, who
-- are at hand or shared with the viewer. Of more than `most` shared ones none is there, and `shared` is the statement that has them, else NULL.
CREATE FUNCTION list_rights(v viewer, owners text[], most integer, OUT condition text, OUT known uuid[], OUT shared text)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    arms text[] := '{}';
    ids  uuid[];
BEGIN
    known := '{}';
    IF v.role = 'admin' THEN
        condition := 'true';
        RETURN;
    END IF;
    IF cardinality(owners) > 0 THEN
        arms := arms || format('c.owner = ANY (%L::text[])', owners);
    END IF;
    IF v.agent IS NOT NULL THEN
        arms := arms || format('c.service_rep = %L', v.agent) || format('c.owner IS NULL AND c.pool IS NULL AND c.created_by = %L', v.agent);
    END IF;
    IF cardinality(v.pools || v.admin_pools) > 0 THEN
        arms := arms || format('c.pool = ANY (%L::uuid[])', v.pools || v.admin_pools);
    END IF;
    IF cardinality(v.admin_pools) > 0 THEN
        arms := arms || format('c.home_pool = ANY (%L::uuid[])', v.admin_pools);
    END IF;
    IF v.role IN ('supervisor', 'pool_admin') THEN
        arms := arms || 'c.owner IS NULL'::text;
    END IF;
    condition := CASE WHEN cardinality(arms) = 0 THEN 'false' ELSE '((' || array_to_string(arms, ') OR (') || '))' END;
    known := ARRAY(SELECT unnest(merged_target(i.customer) || i.candidates) FROM interactions i
                   WHERE i.project = v.project AND i.closed_ms IS NULL AND i.agent = v.agent);
    shared := format('SELECT s.customer FROM shares s WHERE s.project = %s AND ((s.kind = ''agent'' AND s.name = %L)'
                     ' OR (s.kind = ''role'' AND s.name = ANY (%L::text[])) OR (s.kind = ''department'' AND s.name = %L))',
                     v.project, v.agent, v.roles, v.department);
    EXECUTE format('SELECT ARRAY(%s LIMIT %s)', shared, most + 1) INTO ids;
    IF cardinality(ids) <= most THEN
        known := known || ids;
        shared := NULL;
    END IF;
END
$$;

-- The same as one condition, for exports and the list of duplicates.
CREATE OR REPLACE FUNCTION view_condition(v viewer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE r.condition WHEN 'true' THEN 'true' ELSE format('(%s)', concat_ws(' OR ', r.condition,
        CASE WHEN cardinality(r.known) > 0 THEN format('c.id = ANY (%L::uuid[])', r.known) END,
        '(' || r.shared || ' AND s.customer = c.id LIMIT 1) IS NOT NULL')) END
    FROM list_rights(v, v.edits_of || v.superior_of, 1000) r
$$;

-- --- Lists ---

DROP FUNCTION list_walk(integer, text, text, text, text, integer, bigint), list_look_up(text, text, uuid[], text, text, integer, bigint);
-- As 0016 has them; conditions may ask for customers that are `known` by their ids as $1.
CREATE FUNCTION list_walk(of integer, sort text, direction text, within text, looked text, known uuid[], room integer,
                          most bigint, OUT ids uuid[], OUT ats text[], OUT enough boolean) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    EXECUTE format(
        'SELECT array_agg(p.id), array_agg(p.at::text)'
        ' FROM (SELECT c.id, c.list_at AS at'
        '       FROM (SELECT c.*, %1$s AS list_at FROM %2$s WHERE %3$s ORDER BY %1$s %4$s, c.id %4$s LIMIT %5$L) c'
        '       WHERE %6$s ORDER BY c.list_at %4$s, c.id %4$s LIMIT %7$s) p',
        list_key(sort),
        CASE sort WHEN 'last_activity' THEN format('customer_last l JOIN customers c ON c.id = l.customer AND l.project = %s', of)
                  ELSE 'customers c' END,
        within, direction, most, looked, room) INTO ids, ats USING known;
    enough := most IS NULL OR coalesce(cardinality(ids), 0) = room;
END
$$;

CREATE FUNCTION list_look_up(sort text, direction text, among uuid[], indexed text, looked text, known uuid[], room integer,
                             most bigint, OUT ids uuid[], OUT ats text[], OUT enough boolean) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
BEGIN
    IF among IS NOT NULL THEN
        PERFORM set_config('enable_indexscan', 'on', true), set_config('enable_hashjoin', 'off', true),
                set_config('enable_mergejoin', 'off', true);
    END IF;
    EXECUTE format(
        'WITH found AS MATERIALIZED (SELECT c.id, %1$s AS at, (%4$s) AS fits FROM %2$s WHERE %3$s LIMIT %7$L)'
        ' SELECT array_agg(p.id), array_agg(p.at::text), (SELECT count(*) FROM found) < %7$L::bigint'
        ' FROM (SELECT f.id, f.at FROM found f WHERE f.fits ORDER BY f.at %5$s, f.id %5$s LIMIT %6$s) p',
        list_key(sort),
        CASE WHEN among IS NOT NULL THEN 'unnest($2) among (id) JOIN customers c ON c.id = among.id' ELSE 'customers c' END
            || CASE sort WHEN 'last_activity' THEN ' JOIN customer_last l ON l.customer = c.id' ELSE '' END,
        indexed, looked, direction, room, most) INTO ids, ats, enough USING known, among;
    enough := most IS NULL OR enough;
END
$$;

-- Where a walk of the default sort's index begins and ends, behind `place` (NULL: it is the first page). The index is not told of a bound
-- that lies before the place: it would begin there.
CREATE FUNCTION list_range(args jsonb, direction text, place timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(string_agg(format('c.created_at %s %L::timestamptz', x.op, x.bound), ' AND '), 'true')
    FROM (VALUES ('>=', to_timestamp((args ->> 'created_from')::bigint / 1000.0), direction = 'asc' AND place IS NOT NULL),
                 ('<', to_timestamp((args ->> 'created_until')::bigint / 1000.0), direction = 'desc' AND place IS NOT NULL)) x (op, bound, begun)
    WHERE bound IS NOT NULL AND (NOT begun OR CASE op WHEN '<' THEN place >= bound ELSE place < bound END)
$$;

-- How many the planner believes that match.
CREATE FUNCTION list_estimate(matching text, known uuid[]) RETURNS float LANGUAGE plpgsql AS $$ -- EXPLAIN counts as a change
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM customers c WHERE ' || matching INTO plan USING known;
    RETURN greatest((plan -> 0 -> 'Plan' ->> 'Plan Rows')::float, 1);
END
$$;

CREATE OR REPLACE FUNCTION list_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    few_ids constant integer := 5000; -- that a condition may hold
    v         viewer := viewer_of(of, by_role, by_agent);
    sort      text := coalesce(args ->> 'sort', 'created_at');
    direction text := coalesce(args ->> 'order', 'asc');
    room      integer := (args ->> 'limit')::integer;
    shown     text[] := columns_of(of, by_role, by_agent);
    given     record;
    rights    record;
    visible   text;
    visible_set text;
    place     record;
    base      text := format('c.project = %s AND c.deleted_at IS NULL', of);
    matching  text;
    looked    text;
    wanted    float;
    everybody float;
    few       integer;
    reach     float;  -- how many a walk could come by
    most      bigint;
    enough    boolean := false;
    past      text := 'true';
    within    text;
    ids       uuid[];
    ats       text[];
BEGIN
    IF args ? 'columns' THEN
        shown := CASE WHEN args -> 'columns' <> '["all"]' THEN ARRAY(SELECT jsonb_array_elements_text(args -> 'columns')) END;
        PERFORM list_refuse('/columns', 'no such column: ' || left(name, 40)) FROM unnest(shown) name WHERE NOT is_column(name);
    END IF;
    IF sort NOT IN ('created_at', 'updated_at', 'name', 'last_activity') THEN
        PERFORM list_refuse('/sort', 'must be created_at, updated_at, name or last_activity');
    ELSIF direction NOT IN ('asc', 'desc') THEN
        PERFORM list_refuse('/order', 'must be asc or desc');
    ELSIF args ? 'followed' AND by_agent IS NULL THEN
        PERFORM list_refuse('/followed', 'the token has no agent, who could follow');
    END IF;
    -- Who handles a chat or a mail finds everybody by the exact address, as its sender may be anybody.
    IF args ?| ARRAY['phone_key', 'email_key'] AND EXISTS (
        SELECT FROM interactions i
        WHERE i.project = of AND i.closed_ms IS NULL AND i.agent = v.agent AND i.channel IN (1, 2)) THEN
        v.role := 'admin';
    END IF;
    rights := list_rights(v, v.lists_of, few_ids);
    visible := CASE WHEN cardinality(rights.known) > 0 THEN format('(%s OR c.id = ANY ($1))', rights.condition) ELSE rights.condition END;
    IF rights.shared IS NOT NULL THEN
        visible_set := format('c.id IN (SELECT c.id FROM customers c WHERE %s AND %s UNION ALL %s)', base, visible, rights.shared);
        visible := format('(%s OR (%s AND s.customer = c.id LIMIT 1) IS NOT NULL)', visible, rights.shared);
    END IF;
    given := list_conditions(of, by_agent, args, few_ids);
    matching := array_to_string(base || given.indexed || visible, ' AND ');
    looked := array_to_string(ARRAY['true'] || given.looked, ' AND ');
    IF sort = 'created_at' THEN
        within := given.walked || ' AND ' || list_range(args, direction, NULL);
    END IF;
    IF args ? 'after' THEN
        place := cursor_read(args ->> 'after', sort, direction);
        past := format('(%s, c.id) %s (%L, %L::uuid)', list_key(sort), CASE direction WHEN 'asc' THEN '>' ELSE '<' END, place.at, place.id);
        IF sort = 'created_at' THEN
            within := given.walked || ' AND ' || list_range(args, direction, place.at::timestamptz);
        END IF;
    END IF;
    within := concat_ws(' AND ', base, past, within);
    IF given.ids IS NOT NULL THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, given.ids, matching, looked || ' AND ' || past, rights.known, room + 1, NULL) p;
    ELSE
        SELECT greatest(t.reltuples, 1) INTO everybody FROM pg_class t WHERE t.oid = 'customers'::regclass;
        few := greatest(ceil(sqrt(everybody * (room + 1))), 1000);
        -- Those who are known by their ids are all counted, as thousands of ids make a long plan.
        wanted := cardinality(rights.known) + list_estimate(array_to_string(
            base || given.indexed || CASE WHEN rights.shared IS NULL THEN rights.condition ELSE visible END, ' AND '), rights.known);
        reach := CASE WHEN sort = 'created_at' AND given.indexed <> '{}' THEN list_estimate(within, NULL) ELSE everybody END;
        -- If those who match are spread evenly, a page is found within what it takes on average and three standard deviations.
        most := ceil(reach / wanted * (room + 1 + 3 * sqrt(room + 1)));
    END IF;
    IF NOT enough AND wanted <= few AND NOT (most <= few AND given.looked = '{}' AND sort = 'created_at') THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, NULL, matching, looked || ' AND ' || past, rights.known, room + 1, few + 1) p;
    END IF;
    IF NOT enough THEN
        -- Whoever was made one after the other lies together. Of other sorts each row is a block.
        most := CASE WHEN reach <= few THEN NULL
                     WHEN sort = 'created_at' THEN 6 * few
                     WHEN given.looked = '{}' THEN least(most, 3 * few)
                     ELSE 3 * few END;
        SELECT p.* INTO ids, ats, enough
        FROM list_walk(of, sort, direction, within, matching || ' AND ' || looked, rights.known, room + 1, most) p;
    END IF;
    IF NOT enough AND (wanted < everybody / 2 OR cardinality(given.sets) > 0 OR rights.shared IS NOT NULL) THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, NULL,
                          array_to_string(base || given.indexed || coalesce(visible_set, visible) || given.sets, ' AND '),
                          looked || ' AND ' || past, rights.known, room + 1, NULL) p;
    ELSIF NOT enough THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_walk(of, sort, direction, within, matching || ' AND ' || looked, rights.known, room + 1, NULL) p;
    END IF;
    RETURN QUERY SELECT 'ok', json_build_object(
        'items', coalesce((SELECT json_agg(customer_row(c, shown) ORDER BY page.n)
                           FROM unnest(ids[:room]) WITH ORDINALITY page (id, n) JOIN customers c ON c.id = page.id), '[]'),
        'next', CASE WHEN cardinality(ids) > room THEN cursor_text(sort, direction, ats[room], ids[room]) END)::text, NULL;
EXCEPTION WHEN SQLSTATE 'PB400' THEN
    GET STACKED DIAGNOSTICS outcome = MESSAGE_TEXT, pointer = PG_EXCEPTION_DETAIL;
    RETURN QUERY SELECT 'invalid', outcome, pointer;
END
$$;

REVOKE EXECUTE ON FUNCTION list_rights(viewer, text[], integer), list_range(jsonb, text, timestamptz), list_estimate(text, uuid[]),
    list_walk(integer, text, text, text, text, uuid[], integer, bigint), list_look_up(text, text, uuid[], text, text, uuid[], integer, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION list_rights(viewer, text[], integer), list_range(jsonb, text, timestamptz), list_estimate(text, uuid[]),
    list_walk(integer, text, text, text, text, uuid[], integer, bigint), list_look_up(text, text, uuid[], text, text, uuid[], integer, bigint)
    TO patchbay_server;

-- once 770554995634fcf7e173949012b1b2808cfefe0d68a160a2e8669e39b3a7a19d

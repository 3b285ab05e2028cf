-- Lists, exports and imports of customers that touch few rows however many there are: docs/customer-lists.md.

-- --- Where lists look ---
-- A list of one stage, source or owner walks its index in the order of the default sort, so what routing creates is in them too.

DROP INDEX customers_stage, customers_source, customers_owner;
CREATE INDEX customers_stage ON customers (project, stage, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_source ON customers (project, source, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_owner ON customers (project, owner, created_at, id) WHERE deleted_at IS NULL;
-- What one agent has open, for is_handling() and the rights of lists.
DROP INDEX interactions_open;
CREATE INDEX interactions_open ON interactions (project, agent) WHERE closed_ms IS NULL;

-- --- Rights ---

DROP FUNCTION list_rights(viewer);
-- right_on() >= 1, for the customers of `owners`, as a condition on customers c that has indexes. When more than a thousand are
-- shared with the viewer it looks at each customer, and `set` is the same as one that can be looked up; else it is NULL.
CREATE FUNCTION rights_condition(v viewer, owners text[], OUT condition text, OUT set text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    few constant integer := 1000;
    arms   text[] := '{}';
    shared text := format('SELECT s.customer FROM shares s WHERE s.project = %s AND ((s.kind = ''agent'' AND s.name = %L)'
                          ' OR (s.kind = ''role'' AND s.name = ANY (%L::text[])) OR (s.kind = ''department'' AND s.name = %L))',
                          v.project, v.agent, v.roles, v.department);
    ids    uuid[];
    open   uuid[];
BEGIN
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
    open := ARRAY(SELECT unnest(merged_target(i.customer) || i.candidates) FROM interactions i
                  WHERE i.project = v.project AND i.closed_ms IS NULL AND i.agent = v.agent);
    EXECUTE format('SELECT ARRAY(%s LIMIT %s)', shared, few + 1) INTO ids;
    IF cardinality(open || ids) > 0 THEN
        arms := arms || format('c.id = ANY (%L::uuid[])', CASE WHEN cardinality(ids) <= few THEN open || ids ELSE open END);
    END IF;
    condition := CASE WHEN cardinality(arms) = 0 THEN 'false' ELSE '((' || array_to_string(arms, ') OR (') || '))' END;
    IF cardinality(ids) > few THEN
        set := format('c.id IN (SELECT c.id FROM customers c WHERE c.project = %s AND c.deleted_at IS NULL AND %s UNION ALL %s)',
                      v.project, condition, shared);
        condition := format('(%s OR (%s AND s.customer = c.id LIMIT 1) IS NOT NULL)', condition, shared);
    END IF;
END
$$;

-- --- Lists ---

DROP FUNCTION list_keyword(integer, jsonb);
-- As 0012 has it, of these `words` of the keyword.
CREATE FUNCTION list_keyword(of integer, args jsonb, words text[]) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    given  text := args ->> 'keyword';
    digits text := regexp_replace(given, '\D', '', 'g');
    arms   text[] := '{}';
BEGIN
    IF cardinality(words) > 16 THEN
        PERFORM list_refuse('/keyword', 'at most 16 words');
    END IF;
    IF cardinality(words) > 0 THEN
        arms := arms || (SELECT '(' || string_agg(format('''%sw:%s'':*', of, word), ' & ') || ')' FROM unnest(words) word);
    END IF;
    IF args ? 'keyword_phone' THEN
        arms := arms || format('''%sp:%s''', of, replace(args ->> 'keyword_phone', '''', ''));
    END IF;
    IF args ? 'keyword_email' THEN
        arms := arms || format('''%se:%s''', of, replace(replace(lower(args ->> 'keyword_email'), '\', '\\'), '''', ''''''));
    END IF;
    IF length(digits) >= 4 AND given ~ '^[-+/(). \d]+$' THEN
        arms := arms || format('''%sd:%s'':*', of, digits) || format('''%sr:%s'':*', of, reverse(digits));
    END IF;
    RETURN array_to_string(arms, ' | ')::tsquery;
END
$$;

DROP FUNCTION list_conditions(integer, text, jsonb);
-- What a list asks for. `ids`: nobody else, NULL: anybody. `walked`: one equality, by which an index has the order of the default
-- sort. `indexed`: conditions that have indexes, `walked` among them. `looked`: those that are looked at row by row. `sets`: what of
-- these can be looked up too, however many there are.
CREATE FUNCTION list_conditions(of integer, by_agent text, args jsonb, few integer, OUT ids uuid[], OUT walked text,
                                OUT indexed text[], OUT looked text[], OUT sets text[]) LANGUAGE plpgsql STABLE AS $$
DECLARE
    name   text;
    set_of text;
    found  uuid[];
    query  tsquery;
BEGIN
    walked := 'true';
    indexed := '{}';
    looked := '{}';
    sets := '{}';
    FOREACH name IN ARRAY ARRAY['tags_any', 'tags_all', 'tags_none'] LOOP
        IF args ? name AND (SELECT bool_or(jsonb_typeof(tag) <> 'string') FROM jsonb_array_elements(args -> name) tag) THEN
            PERFORM list_refuse('/' || name, 'must be a list of texts');
        END IF;
    END LOOP;
    IF args ? 'tags_any' THEN
        indexed := indexed || format('c.tags <> ''{}'' AND c.tags && %L::text[]',
                                     ARRAY(SELECT jsonb_array_elements_text(args -> 'tags_any')));
    END IF;
    IF args ? 'tags_all' THEN
        indexed := indexed || format('c.tags <> ''{}'' AND c.tags @> %L::text[]',
                                     ARRAY(SELECT jsonb_array_elements_text(args -> 'tags_all')));
    END IF;
    IF args ? 'tags_none' THEN
        looked := looked || format('NOT c.tags && %L::text[]', ARRAY(SELECT jsonb_array_elements_text(args -> 'tags_none')));
    END IF;
    IF args ? 'created_from' THEN
        indexed := indexed || format('c.created_at >= %L::timestamptz', to_timestamp((args ->> 'created_from')::bigint / 1000.0));
    END IF;
    IF args ? 'created_until' THEN
        indexed := indexed || format('c.created_at < %L::timestamptz', to_timestamp((args ->> 'created_until')::bigint / 1000.0));
    END IF;
    FOREACH name IN ARRAY ARRAY['stage', 'source', 'owner'] LOOP
        IF args ? name THEN
            walked := CASE args ->> name WHEN '' THEN format('c.%I IS NULL', name) ELSE format('c.%I = %L', name, args ->> name) END;
            indexed := indexed || walked;
        END IF;
    END LOOP;
    IF args ? 'pool' THEN
        indexed := indexed || format('c.pool = %L::uuid', args ->> 'pool');
    END IF;
    IF (args ->> 'followed')::boolean THEN
        set_of := format('SELECT f.customer FROM follows f WHERE f.project = %s AND f.agent = %L', of, by_agent);
        EXECUTE format('SELECT ARRAY(%s LIMIT %s)', set_of, few + 1) INTO found;
        IF cardinality(found) <= few THEN
            ids := found;
        ELSE
            looked := looked || format('(%s AND f.customer = c.id) IS NOT NULL', set_of);
            sets := sets || format('c.id IN (%s)', set_of);
        END IF;
    ELSIF args ? 'followed' THEN
        looked := looked || format('NOT EXISTS (SELECT FROM follows f WHERE f.project = %s AND f.agent = %L AND f.customer = c.id)',
                                   of, by_agent);
    END IF;
    IF args ? 'phone_key' THEN
        indexed := indexed || format('c.id IN (SELECT k.customer FROM contacts k WHERE k.project = %s AND k.phone_key = %L)',
                                     of, args ->> 'phone_key');
    END IF;
    IF args ? 'email_key' THEN
        indexed := indexed || format('c.id IN (SELECT k.customer FROM contacts k WHERE k.project = %s AND k.email_key = %L)',
                                     of, args ->> 'email_key');
    END IF;
    IF args ? 'keyword' THEN
        query := list_keyword(of, args, words_of(args ->> 'keyword'));
        found := list_words(of, args, query, few);
        IF found IS NULL THEN
            looked := looked || format('(SELECT w.words @@ %L::tsquery FROM customer_words w WHERE w.customer = c.id)', query);
            sets := sets || format('c.id IN (SELECT w.customer FROM customer_words w WHERE w.words @@ %L::tsquery)', query);
        ELSIF ids IS NULL THEN
            ids := found;
        ELSE
            ids := ARRAY(SELECT unnest(ids) INTERSECT SELECT unnest(found));
        END IF;
    END IF;
    looked := looked || ARRAY(SELECT list_field(item, '/fields/' || n - 1)
                              FROM jsonb_array_elements(args -> 'fields') WITH ORDINALITY line (item, n));
    -- Fields that the project file has indexed (field_values).
    indexed := indexed || ARRAY(
        SELECT format('c.id IN (SELECT v.customer FROM field_values v WHERE v.project = %s AND v.field = %L AND v.value = %L)',
                      of, item ->> 'field', CASE jsonb_typeof(item -> 'value') WHEN 'number' THEN trim_scale((item ->> 'value')::numeric)::text
                                                 ELSE item ->> 'value' END)
        FROM jsonb_array_elements(args -> 'fields') item, field_indexes x
        WHERE coalesce(item ->> 'op', 'eq') = 'eq' AND x.project = of AND x.field = item ->> 'field' AND x.is_ready
          AND coalesce(item ->> 'type', jsonb_typeof(item -> 'value')) <> 'date' AND moment_of(item ->> 'value') IS NULL);
END
$$;

-- Who has what the keyword asks for, if they are at most `few`; NULL: more. The planner cannot estimate beginnings of words, and
-- their index reads all that begins so before it gives the first one. So a sample tells what many have: if it is the
-- keyword, nothing is looked up; a word of it that many have is left to be looked at in what the others find.
CREATE FUNCTION list_words(of integer, args jsonb, query tsquery, few integer) RETURNS uuid[] LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
DECLARE
    words text[] := words_of(args ->> 'keyword');
    rare  text[];
    seen  bigint;
    hits  bigint;
    each  bigint[];
    ids   uuid[];
BEGIN
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE w.words @@ %L::tsquery), ARRAY[%s]::bigint[]'
                   ' FROM customer_words w TABLESAMPLE SYSTEM (%s)', query,
                   (SELECT string_agg(format('count(*) FILTER (WHERE w.words @@ ''''''%sw:%s'''':*''::tsquery)', of, word), ', ' ORDER BY n)
                    FROM unnest(words) WITH ORDINALITY x (word, n)),
                   (SELECT least(100, 200000 / greatest(t.reltuples, 1)) FROM pg_class t WHERE t.oid = 'customer_words'::regclass))
        INTO seen, hits, each;
    IF seen > 1000 AND hits > seen / 50 THEN
        RETURN NULL;
    END IF;
    rare := ARRAY(SELECT word FROM unnest(words, each) x (word, n) WHERE n <= seen / 50);
    EXECUTE format('SELECT ARRAY(SELECT w.customer FROM customer_words w WHERE w.words @@ %L::tsquery AND (w.words @@ %L::tsquery) IS TRUE'
                   ' LIMIT %s)', CASE WHEN seen > 1000 AND cardinality(rare) > 0 THEN list_keyword(of, args, rare) ELSE query END,
                   query, few + 1) INTO ids;
    RETURN CASE WHEN cardinality(ids) <= few THEN ids END;
END
$$;

-- The two ways of making a page. Each gives ids and values of the sort, or `enough` false: there are more of them than it
-- may touch. The first walks the index of the sort over at most `most` rows, the second looks up all that match and
-- sorts them. Which plan they get does not depend on estimates.
CREATE FUNCTION list_walk(of integer, sort text, direction text, within text, looked text, room integer, most bigint,
                          OUT ids uuid[], OUT ats text[], OUT enough boolean) LANGUAGE plpgsql STABLE
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
        within, direction, most, looked, room) INTO ids, ats;
    enough := most IS NULL OR coalesce(cardinality(ids), 0) = room;
END
$$;

CREATE FUNCTION list_look_up(sort text, direction text, among uuid[], indexed text, looked text, room integer, most bigint,
                             OUT ids uuid[], OUT ats text[], OUT enough boolean) LANGUAGE plpgsql STABLE
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
        CASE WHEN among IS NOT NULL THEN 'unnest($1) among (id) JOIN customers c ON c.id = among.id' ELSE 'customers c' END
            || CASE sort WHEN 'last_activity' THEN ' JOIN customer_last l ON l.customer = c.id' ELSE '' END,
        indexed, looked, direction, room, most) INTO ids, ats, enough USING among;
    enough := most IS NULL OR enough;
END
$$;

CREATE FUNCTION list_key(sort text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE sort WHEN 'name' THEN 'c.name COLLATE "und-x-icu"' WHEN 'last_activity' THEN 'l.at_ms' ELSE 'c.' || sort END
$$;

-- A list: {sort, order, after, limit, columns, and conditions}. Few that match are looked up and sorted; of many, the sort's own
-- index is walked until the page is full. Which it is, the planner's estimate of the conditions with indexes says; where it turns
-- out to be wrong, or those that match stand together at the other end, it is done the other way.
CREATE OR REPLACE FUNCTION list_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$ -- EXPLAIN counts as a change
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
    place     record;
    base      text := format('c.project = %s AND c.deleted_at IS NULL', of);
    matching  text;
    looked    text;
    plan      json;
    wanted    float;
    everybody float;
    few       integer;
    enough    boolean := false;
    past      text := 'true';
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
    rights := rights_condition(v, v.lists_of);
    given := list_conditions(of, by_agent, args, few_ids);
    matching := array_to_string(base || given.indexed || rights.condition, ' AND ');
    looked := array_to_string(ARRAY['true'] || given.looked, ' AND ');
    IF args ? 'after' THEN
        place := cursor_read(args ->> 'after', sort, direction);
        past := format('(%s, c.id) %s (%L, %L::uuid)', list_key(sort), CASE direction WHEN 'asc' THEN '>' ELSE '<' END, place.at, place.id);
    END IF;
    IF given.ids IS NOT NULL THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, given.ids, matching, looked || ' AND ' || past, room + 1, NULL) p;
    ELSE
        EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM customers c WHERE ' || matching INTO plan;
        wanted := (plan -> 0 -> 'Plan' ->> 'Plan Rows')::float;
        SELECT greatest(t.reltuples, 1) INTO everybody FROM pg_class t WHERE t.oid = 'customers'::regclass;
        few := greatest(ceil(sqrt(everybody * (room + 1))), 1000);
    END IF;
    -- One equality alone has its own index in this order: that is walked however few there are.
    IF NOT enough AND wanted <= few
       AND NOT (sort = 'created_at' AND given.indexed = ARRAY[given.walked] AND rights.condition = 'true') THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, NULL, matching, looked || ' AND ' || past, room + 1, few + 1) p;
    END IF;
    IF NOT enough THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_walk(of, sort, direction, concat_ws(' AND ', base, past, CASE sort WHEN 'created_at' THEN given.walked END),
                       matching || ' AND ' || looked, room + 1, 3 * few) p;
    END IF;
    IF NOT enough AND (wanted < everybody / 2 OR cardinality(given.sets) > 0 OR rights.set IS NOT NULL) THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_look_up(sort, direction, NULL,
                          array_to_string(base || given.indexed || coalesce(rights.set, rights.condition) || given.sets, ' AND '),
                          looked || ' AND ' || past, room + 1, NULL) p;
    ELSIF NOT enough THEN
        SELECT p.* INTO ids, ats, enough
        FROM list_walk(of, sort, direction, base || ' AND ' || past, matching || ' AND ' || looked, room + 1, NULL) p;
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

-- --- Exports and duplicates: who may be viewed as a condition, instead of a question for each row ---

CREATE FUNCTION view_condition(v viewer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT (rights_condition(v, v.edits_of || v.superior_of)).condition
$$;

-- {after, stage, owner, source, tag, limit}: the next customers of an export, in the order of their ids.
CREATE OR REPLACE FUNCTION export_page(of integer, by_role text, by_agent text, args jsonb) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    name  text;
    given text[] := '{}';
BEGIN
    FOREACH name IN ARRAY ARRAY['stage', 'owner', 'source'] LOOP
        IF args ? name THEN
            given := given || format('c.%I = %L', name, args ->> name);
        END IF;
    END LOOP;
    IF args ? 'tag' THEN
        given := given || format('c.tags @> ARRAY[%L] AND c.tags <> ''{}''', args ->> 'tag');
    END IF;
    RETURN QUERY EXECUTE format('SELECT c.id FROM customers c WHERE %s ORDER BY c.id LIMIT %L', array_to_string(
        format('c.project = %s AND c.deleted_at IS NULL AND c.id > %L', of, coalesce(args ->> 'after', '00000000-0000-0000-0000-000000000000'))
        || given || view_condition(viewer_of(of, by_role, by_agent)), ' AND '), args ->> 'limit');
END
$$;

DROP FUNCTION duplicate_customers(viewer, duplicates, integer);
-- {after, limit}: keys that several customers have of which the caller sees at least two, each with the oldest ten of them. At most
-- 500 keys are looked at.
CREATE FUNCTION duplicates_page(of integer, by_role text, by_agent text, args jsonb) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    room constant integer := args ->> 'limit';
    looked record;
    found jsonb;
BEGIN
    EXECUTE format(
        'SELECT count(*) AS n, max(id) AS last, jsonb_agg(jsonb_build_object(''id'', id, ''ids'', ids) ORDER BY id)'
        '           FILTER (WHERE cardinality(ids) > 1) AS several'
        ' FROM (SELECT d.id, ARRAY('
        '           SELECT c.id FROM customers c'
        '           WHERE c.id IN (SELECT k.customer FROM contacts k WHERE k.project = d.project AND d.kind = ''phone'' AND k.phone_key = d.key'
        '                          UNION ALL'
        '                          SELECT k.customer FROM contacts k WHERE k.project = d.project AND d.kind = ''email'' AND k.email_key = d.key)'
        '             AND c.project = d.project AND c.deleted_at IS NULL AND %s'
        '           ORDER BY c.id LIMIT 10) AS ids'
        '       FROM (SELECT * FROM duplicates x WHERE x.project = %s AND x.id > %L ORDER BY x.id LIMIT 500) d) one',
        view_condition(viewer_of(of, by_role, by_agent)), of, coalesce(args ->> 'after', '0')) INTO looked;
    found := coalesce(looked.several, '[]');
    RETURN json_build_object(
        'items', (SELECT coalesce(json_agg(json_build_object(
                      'kind', d.kind, 'key', d.key, 'since', time_text(d.since_ms),
                      'customers', (SELECT json_agg(customer_json(c, contacts_json(c.id)) ORDER BY c.id) FROM customers c
                                    WHERE c.id IN (SELECT i::uuid FROM jsonb_array_elements_text(item -> 'ids') i))) ORDER BY n), '[]')
                  FROM jsonb_array_elements(found) WITH ORDINALITY line (item, n)
                  JOIN duplicates d ON d.id = (item -> 'id')::bigint WHERE n <= room),
        'next', CASE WHEN jsonb_array_length(found) >= room THEN (found -> (room - 1) ->> 'id')::bigint
                     WHEN looked.n = 500 THEN looked.last END);
END
$$;

REVOKE EXECUTE ON FUNCTION rights_condition(viewer, text[]), list_keyword(integer, jsonb, text[]),
    list_conditions(integer, text, jsonb, integer), list_words(integer, jsonb, tsquery, integer),
    list_walk(integer, text, text, text, text, integer, bigint), list_look_up(text, text, uuid[], text, text, integer, bigint),
    list_key(text), view_condition(viewer), duplicates_page(integer, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rights_condition(viewer, text[]), list_keyword(integer, jsonb, text[]),
    list_conditions(integer, text, jsonb, integer), list_words(integer, jsonb, tsquery, integer),
    list_walk(integer, text, text, text, text, integer, bigint), list_look_up(text, text, uuid[], text, text, integer, bigint),
    list_key(text), view_condition(viewer), duplicates_page(integer, text, text, jsonb) TO patchbay_server;

-- Lists, search, follows and tags of customers: docs/customer-lists.md. What only serves to find somebody is filled off the
-- event path by index_customers(), which the router that owns the project runs.

-- --- Where lists look ---
-- What routing creates has no owner, no tags, stage new and a channel for a source: most of these leave it out.

CREATE INDEX customers_created ON customers (project, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_updated ON customers (project, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customers_name ON customers (project, name COLLATE "und-x-icu", id) WHERE deleted_at IS NULL;
CREATE INDEX customers_stage ON customers (project, stage, id) WHERE stage <> 'new' AND deleted_at IS NULL;
CREATE INDEX customers_source ON customers (project, source, id)
    WHERE source NOT IN ('call', 'chat', 'email') AND deleted_at IS NULL;
CREATE INDEX customers_created_by ON customers (project, created_by, id)
    WHERE created_by IS NOT NULL AND owner IS NULL AND deleted_at IS NULL;
CREATE INDEX customers_tags ON customers USING gin (tags) WHERE tags <> '{}' AND deleted_at IS NULL;

-- What the keyword search looks through, and the tags as they are counted in tag_counts.
CREATE TABLE customer_words (
    customer uuid PRIMARY KEY,
    project  integer NOT NULL,
    words    tsvector NOT NULL, -- customer_lexemes()
    tags     text[] NOT NULL
);
CREATE INDEX customer_words_words ON customer_words USING gin (words);

-- When there was last something of a customer, and when the customer last said something.
CREATE TABLE customer_last (
    customer    uuid PRIMARY KEY,
    project     integer NOT NULL,
    at_ms       bigint NOT NULL,
    heard_ms    bigint NOT NULL,
    interaction uuid
) WITH (fillfactor = 70);
CREATE INDEX customer_last_at ON customer_last (project, at_ms, customer);

CREATE TABLE tag_counts (
    project integer NOT NULL,
    tag     text COLLATE "C" NOT NULL,
    n       bigint NOT NULL,
    PRIMARY KEY (project, tag)
) WITH (fillfactor = 50);

-- Customers that have changed and are not looked at yet. What routing creates is not here: it is found in the journal.
CREATE TABLE customer_queue (
    project  integer NOT NULL,
    id       bigint GENERATED ALWAYS AS IDENTITY,
    customer uuid NOT NULL,
    PRIMARY KEY (project, id)
);

-- How far index_customers() has read the journal.
CREATE TABLE customer_marks (
    project integer PRIMARY KEY,
    seq     bigint NOT NULL,
    at_ms   bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO customer_marks SELECT project, journal_seq, last_ms FROM fences;
INSERT INTO customer_queue (project, customer) SELECT project, id FROM customers WHERE deleted_at IS NULL;

-- --- Who follows, has read, has muted ---

CREATE TABLE follows (
    project  integer NOT NULL,
    agent    text NOT NULL,
    customer uuid NOT NULL,
    at_ms    bigint NOT NULL,
    PRIMARY KEY (project, agent, customer)
);
CREATE INDEX follows_customer ON follows (customer);

CREATE TABLE customer_reads (
    project  integer NOT NULL,
    agent    text NOT NULL,
    customer uuid NOT NULL,
    read_ms  bigint NOT NULL,
    PRIMARY KEY (project, agent, customer)
);
CREATE INDEX customer_reads_customer ON customer_reads (customer);

CREATE TABLE mutes (
    project      integer NOT NULL,
    agent        text NOT NULL,
    conversation uuid NOT NULL,
    at_ms        bigint NOT NULL,
    PRIMARY KEY (project, agent, conversation)
);

-- Columns of lists as somebody has chosen them: an agent, or everybody with tokens of a role and no agent.
CREATE TABLE customer_columns (
    project integer NOT NULL,
    agent   text NOT NULL, -- '': nobody in particular
    role    text NOT NULL, -- '': an agent's
    columns text[] NOT NULL,
    PRIMARY KEY (project, agent, role)
);

-- --- Keeping up ---

-- The router's writing connection says that it is one: its new customers are found in the journal instead.
CREATE FUNCTION queue_customers() RETURNS trigger LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    INSERT INTO customer_queue (project, customer) SELECT project, id FROM changed;
    RETURN NULL;
END
$$;
CREATE FUNCTION queue_contacts() RETURNS trigger LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    INSERT INTO customer_queue (project, customer) SELECT DISTINCT project, customer FROM changed;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_queue_new AFTER INSERT ON customers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_setting('patchbay.routes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION queue_customers();
CREATE TRIGGER customers_queue_old AFTER UPDATE ON customers REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION queue_customers();
CREATE TRIGGER contacts_queue_new AFTER INSERT ON contacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    WHEN (current_setting('patchbay.routes', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION queue_contacts();
CREATE TRIGGER contacts_queue_old AFTER UPDATE ON contacts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION queue_contacts();
CREATE TRIGGER contacts_queue_gone AFTER DELETE ON contacts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION queue_contacts();

-- Who is deleted is not found any more, from that commit on.
CREATE FUNCTION forget_customer() RETURNS trigger LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    DELETE FROM customer_last WHERE customer = new.id; -- in this order, as index_customers() does
    UPDATE customer_words SET words = '' WHERE customer = new.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_forget AFTER UPDATE OF deleted_at ON customers FOR EACH ROW
    WHEN (new.deleted_at IS NOT NULL AND old.deleted_at IS NULL) EXECUTE FUNCTION forget_customer();

-- Whoever becomes the owner follows, and follows again with each assignment.
CREATE FUNCTION follow_owner() RETURNS trigger LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    INSERT INTO follows (project, agent, customer, at_ms)
    VALUES (new.project, new.owner, new.id, extract(epoch FROM now()) * 1000)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER customers_follow_new AFTER INSERT ON customers FOR EACH ROW
    WHEN (new.owner IS NOT NULL) EXECUTE FUNCTION follow_owner();
CREATE TRIGGER customers_follow_old AFTER UPDATE OF owner, assigned_ms ON customers FOR EACH ROW
    WHEN (new.owner IS NOT NULL AND (new.owner IS DISTINCT FROM old.owner OR new.assigned_ms IS DISTINCT FROM old.assigned_ms))
    EXECUTE FUNCTION follow_owner();
INSERT INTO follows (project, agent, customer, at_ms)
SELECT project, owner, id, extract(epoch FROM now()) * 1000 FROM customers WHERE owner IS NOT NULL AND deleted_at IS NULL;

-- Letters and digits of any script, without case.
CREATE FUNCTION words_of(of text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_remove(regexp_split_to_array(lower(of COLLATE "und-x-icu"), '[^[:alnum:]]+'), '')
$$;

-- Everything that finds a customer. Each begins with the project, so that others do not lie in the way: 7w: a word, 7p: and
-- 7e: canonical keys, 7d: the digits of a phone, as written and as canonical, 7r: those backwards, for its last ones.
CREATE FUNCTION customer_lexemes(c customers) RETURNS tsvector LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_to_tsvector(array_agg(DISTINCT c.project || found.lexeme)), '')
    FROM (
        SELECT 'w:' || unnest(words_of(concat_ws(' ', c.name, c.real_name, c.company, c.external_id)))
        UNION ALL
        SELECT unnest(ARRAY['w:' || word, 'p:' || k.phone_key, 'e:' || lower(k.email_key),
                            'd:' || nullif(regexp_replace(k.phone_key, '\D', '', 'g'), ''),
                            'd:' || nullif(regexp_replace(k.phone, '\D', '', 'g'), ''),
                            'r:' || nullif(reverse(regexp_replace(k.phone_key, '\D', '', 'g')), '')])
        FROM contacts k LEFT JOIN LATERAL unnest(words_of(k.email)) mail (word) ON true
        WHERE k.customer = c.id
    ) found (lexeme)
    WHERE found.lexeme IS NOT NULL
$$;

-- The time of a version 7 UUID.
CREATE FUNCTION uuid_ms(id uuid) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || lpad(left(replace(id::text, '-', ''), 12), 16, '0'))::bit(64)::bigint
$$;

-- Takes at most `page` changed customers and `page` rows of the journal: the words, the counts of tags and the last activity
-- become what the customers now say. One at a time per project, by its owner alone. The first row says whether there is more;
-- the others are whom to tell of what was just heard: followers who may view the customer, do not have the interaction
-- and have not muted it.
CREATE FUNCTION index_customers(of integer, by_owner uuid, by_epoch bigint, page bigint)
    RETURNS TABLE (agent text, customer uuid, interaction uuid, channel smallint, at_ms bigint, more boolean)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    ids   uuid[];
    taken bigint;
    mark  customer_marks;
    rows_read bigint;
    heard jsonb;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('patchbay.index_customers'), of)
       OR NOT EXISTS (SELECT FROM fences f WHERE f.project = of AND f.owner = by_owner AND f.epoch = by_epoch) THEN
        RETURN;
    END IF;
    WITH gone AS (
        DELETE FROM customer_queue q
        WHERE q.project = of AND q.id IN (SELECT o.id FROM customer_queue o WHERE o.project = of ORDER BY o.id LIMIT page)
        RETURNING q.customer
    )
    SELECT array_agg(DISTINCT g.customer), count(*) INTO ids, taken FROM gone g;

    SELECT m.* INTO mark FROM customer_marks m WHERE m.project = of;
    IF mark.project IS NULL THEN
        INSERT INTO customer_marks VALUES (of, 0, 0) ON CONFLICT DO NOTHING;
        mark := (of, 0, 0);
    END IF;
    WITH recent AS (
        SELECT j.seq, j.at_ms, j.kind, j.interaction FROM journal j
        WHERE j.project = of AND j.seq > mark.seq AND j.at_ms >= mark.at_ms
        ORDER BY j.seq LIMIT page
    ), about AS (
        -- A row of content is a call, a message or a mail; without a recipient it is what an agent wrote.
        SELECT r.seq, r.at_ms, i.id, i.customer, i.channel, i.agent, i.conversation, i.identity = 1 AS created,
               r.kind = 1 AND k.seq IS NOT NULL AS says,
               r.kind = 1 AND k.recipient IS NOT NULL AND NOT i.outbound AS heard
        FROM recent r
        JOIN interactions i ON i.id = r.interaction AND i.customer IS NOT NULL
        LEFT JOIN content k ON k.project = of AND k.seq = r.seq AND k.at_ms = r.at_ms
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
           array_cat(ids, (SELECT array_agg(DISTINCT a.customer) FROM about a
                           WHERE NOT EXISTS (SELECT FROM customer_words w WHERE w.customer = a.customer))),
           (SELECT jsonb_agg(jsonb_build_object('interaction', a.id, 'customer', a.customer, 'channel', a.channel, 'holder', a.agent,
                                                'conversation', a.conversation, 'at_ms', a.at_ms) ORDER BY a.seq)
            FROM about a WHERE a.heard),
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

-- The part of index_customers() that looks at customers.
CREATE FUNCTION index_some(of integer, ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH now_is AS (
        SELECT c.id, c.tags, customer_lexemes(c) AS words FROM customers c WHERE c.id = ANY (ids) AND c.deleted_at IS NULL
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
        FROM now_is n JOIN activity a ON a.customer = n.id
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

-- --- Lists ---
-- A list is a statement that is put together of what was asked for, so that it is planned for that. Every value comes
-- in as a literal that format('%L') made.

CREATE FUNCTION list_refuse(pointer text, why text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'PB400', MESSAGE = why, DETAIL = pointer;
END
$$;

-- Which customers a viewer lists, of customers c: right_on() as conditions that have indexes.
CREATE FUNCTION list_rights(v viewer) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    arms text[] := '{}';
    ids  uuid[];
BEGIN
    IF v.role = 'admin' THEN
        RETURN 'true';
    END IF;
    IF cardinality(v.lists_of) > 0 THEN
        arms := arms || format('c.owner = ANY (%L::text[])', v.lists_of);
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
    ids := ARRAY(
        (SELECT s.customer FROM shares s
         WHERE s.project = v.project
           AND ((s.kind = 'agent' AND s.name = v.agent) OR (s.kind = 'role' AND s.name = ANY (v.roles))
                OR (s.kind = 'department' AND s.name = v.department))
         LIMIT 1001)
        UNION
        SELECT unnest(i.customer || i.candidates) FROM interactions i
        WHERE i.project = v.project AND i.closed_ms IS NULL AND i.agent = v.agent);
    IF cardinality(ids) > 1000 THEN -- too many to look up one by one
        arms := arms || format('EXISTS (SELECT FROM shares s WHERE s.customer = c.id AND ((s.kind = ''agent'' AND s.name = %L)'
                               ' OR (s.kind = ''role'' AND s.name = ANY (%L::text[])) OR (s.kind = ''department'' AND s.name = %L)))',
                               v.agent, v.roles, v.department);
    END IF;
    IF cardinality(ids) > 0 THEN
        arms := arms || format('c.id = ANY (%L::uuid[])', ids);
    END IF;
    RETURN CASE WHEN cardinality(arms) = 0 THEN 'false' ELSE '((' || array_to_string(arms, ') OR (') || '))' END;
END
$$;

-- A date or a moment (RFC 3339; without an offset: UTC), or NULL.
CREATE FUNCTION moment_of(given text) RETURNS timestamptz LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF given !~ '^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?)?$' THEN
        RETURN NULL;
    END IF;
    RETURN CASE WHEN length(given) = 10 THEN (given || ' 00:00:00Z')::timestamptz
                WHEN given ~ '([Zz]|[+-]\d\d:\d\d)$' THEN given::timestamptz
                ELSE (given || 'Z')::timestamptz END;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END
$$;

-- {field, op, value, type} as a condition on customers c. The types of a comparison are those of the value.
CREATE FUNCTION list_field(item jsonb, pointer text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    field text := item ->> 'field';
    op    text := coalesce(item ->> 'op', 'eq');
    given jsonb := item -> 'value';
    plain text := item ->> 'value';
    kind  text := item ->> 'type';
    sign  text := CASE op WHEN 'lt' THEN '<' WHEN 'le' THEN '<=' WHEN 'gt' THEN '>' WHEN 'ge' THEN '>=' ELSE '=' END;
    found text;
BEGIN
    IF jsonb_typeof(item) <> 'object' THEN
        PERFORM list_refuse(pointer, 'must be a map of field, op, value and type');
    END IF;
    SELECT key INTO found FROM jsonb_object_keys(item) key WHERE key NOT IN ('field', 'op', 'value', 'type') LIMIT 1;
    IF found IS NOT NULL THEN
        PERFORM list_refuse(pointer || '/' || replace(replace(left(found, 40), '~', '~0'), '/', '~1'), 'no such member');
    END IF;
    IF jsonb_typeof(item -> 'field') IS DISTINCT FROM 'string' OR field = '' OR octet_length(field) > 200 THEN
        PERFORM list_refuse(pointer || '/field', 'must be the name of a field');
    END IF;
    IF op NOT IN ('eq', 'ne', 'lt', 'le', 'gt', 'ge', 'contains', 'prefix', 'exists') THEN
        PERFORM list_refuse(pointer || '/op', 'must be eq, ne, lt, le, gt, ge, contains, prefix or exists');
    END IF;
    IF op = 'exists' THEN
        IF coalesce(jsonb_typeof(given), 'boolean') <> 'boolean' THEN
            PERFORM list_refuse(pointer || '/value', 'must be true or false');
        END IF;
        RETURN format('coalesce(jsonb_typeof(c.fields -> %L) <> ''null'', false) = %L::boolean', field, coalesce(plain, 'true'));
    END IF;
    IF coalesce(jsonb_typeof(given), 'null') NOT IN ('string', 'number', 'boolean') THEN
        PERFORM list_refuse(pointer || '/value', 'must be a text, a number or a boolean');
    END IF;
    IF octet_length(plain) > 1000 THEN
        PERFORM list_refuse(pointer || '/value', 'at most 1000 bytes');
    END IF;
    kind := coalesce(kind, CASE WHEN jsonb_typeof(given) = 'boolean' THEN 'boolean' WHEN jsonb_typeof(given) = 'number' THEN 'number'
                                WHEN op NOT IN ('contains', 'prefix') AND moment_of(plain) IS NOT NULL THEN 'date' ELSE 'text' END);
    IF kind NOT IN ('text', 'number', 'boolean', 'date') THEN
        PERFORM list_refuse(pointer || '/type', 'must be text, number, boolean or date');
    END IF;
    IF jsonb_typeof(given) <> (CASE WHEN kind IN ('text', 'date') THEN 'string' ELSE kind END)
       OR (kind = 'date' AND moment_of(plain) IS NULL) THEN
        PERFORM list_refuse(pointer || '/value', 'must be a ' || kind);
    END IF;
    IF (kind = 'boolean' AND op NOT IN ('eq', 'ne')) OR (op IN ('contains', 'prefix') AND kind <> 'text') THEN
        PERFORM list_refuse(pointer || '/op', format('%s does not go with a %s', op, kind));
    END IF;
    found := CASE
        WHEN op = 'contains' THEN format(
            'CASE jsonb_typeof(c.fields -> %1$L) WHEN ''string'' THEN'
            ' position(lower(%2$L COLLATE "und-x-icu") IN lower((c.fields ->> %1$L) COLLATE "und-x-icu")) > 0'
            ' WHEN ''array'' THEN c.fields -> %1$L @> %3$L::jsonb ELSE false END', field, plain, jsonb_build_array(given))
        WHEN op = 'prefix' THEN format(
            'CASE jsonb_typeof(c.fields -> %1$L) WHEN ''string'' THEN'
            ' starts_with(lower((c.fields ->> %1$L) COLLATE "und-x-icu"), lower(%2$L COLLATE "und-x-icu")) ELSE false END', field, plain)
        WHEN kind = 'date' THEN format(
            'CASE jsonb_typeof(c.fields -> %1$L) WHEN ''string'' THEN'
            ' coalesce(moment_of(c.fields ->> %1$L) %2$s %3$L::timestamptz, false) ELSE false END', field, sign, moment_of(plain))
        WHEN op IN ('eq', 'ne') THEN format('c.fields @> %L::jsonb', jsonb_build_object(field, given))
        WHEN kind = 'number' THEN format(
            'CASE jsonb_typeof(c.fields -> %1$L) WHEN ''number'' THEN (c.fields -> %1$L)::numeric %2$s %3$L::numeric ELSE false END',
            field, sign, plain)
        ELSE format(
            'CASE jsonb_typeof(c.fields -> %1$L) WHEN ''string'' THEN (c.fields ->> %1$L) COLLATE "C" %2$s %3$L ELSE false END',
            field, sign, plain)
    END;
    RETURN CASE WHEN op = 'ne' THEN 'NOT (' || found || ')' ELSE '(' || found || ')' END;
END
$$;

-- What a keyword asks of customer_words: every word begins a word; or it is a phone or an e-mail address in any spelling, or
-- the first or last digits of a phone.
CREATE FUNCTION list_keyword(of integer, args jsonb) RETURNS tsquery LANGUAGE plpgsql STABLE AS $$
DECLARE
    given  text := args ->> 'keyword';
    digits text := regexp_replace(given, '\D', '', 'g');
    arms   text[] := '{}';
    words  text[] := words_of(given);
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

-- Conditions that have indexes, then those that are looked at row by row.
CREATE FUNCTION list_conditions(of integer, by_agent text, args jsonb, OUT indexed text[], OUT looked text[])
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    few constant integer := 5000; -- ids that a condition may hold
    name text;
    query tsquery;
    is_common boolean;
    ids  uuid[];
BEGIN
    indexed := '{}';
    looked := '{}';
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
    FOREACH name IN ARRAY ARRAY['source', 'owner'] LOOP
        IF args ->> name = '' THEN
            looked := looked || format('c.%I IS NULL', name);
        ELSIF args ? name THEN
            indexed := indexed || format('c.%I = %L', name, args ->> name);
        END IF;
    END LOOP;
    IF args ? 'stage' THEN
        indexed := indexed || format('c.stage = %L', args ->> 'stage');
    END IF;
    IF (args ->> 'followed')::boolean THEN
        ids := ARRAY(SELECT f.customer FROM follows f WHERE f.project = of AND f.agent = by_agent LIMIT few + 1);
        IF cardinality(ids) <= few THEN
            indexed := indexed || format('c.id = ANY (%L::uuid[])', ids);
        ELSE
            indexed := indexed || format('c.id IN (SELECT f.customer FROM follows f WHERE f.project = %s AND f.agent = %L)', of, by_agent);
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
        -- The planner cannot estimate beginnings of words. A sample tells what many have: that is looked at on the way. Anything
        -- else is looked up by its index, whatever the planner believes.
        query := list_keyword(of, args);
        EXECUTE format('SELECT count(*) FILTER (WHERE w.words @@ %L::tsquery) > count(*) / 50 AND count(*) > 1000'
                       ' FROM customer_words w TABLESAMPLE SYSTEM (%s)', query,
                       (SELECT least(100, 200000 / greatest(t.reltuples, 1)) FROM pg_class t WHERE t.oid = 'customer_words'::regclass))
            INTO is_common;
        IF is_common THEN
            looked := looked || format('(SELECT w.words @@ %L::tsquery FROM customer_words w WHERE w.customer = c.id)', query);
        ELSE
            PERFORM set_config('enable_seqscan', 'off', true);
            EXECUTE format('SELECT array_agg(w.customer) FROM (SELECT w.customer FROM customer_words w WHERE w.words @@ %L::tsquery'
                           ' LIMIT %s) w', query, few + 1) INTO ids;
            PERFORM set_config('enable_seqscan', 'on', true);
            IF coalesce(cardinality(ids), 0) <= few THEN
                indexed := indexed || format('c.id = ANY (%L::uuid[])', coalesce(ids, '{}'));
            ELSE
                looked := looked || format('(SELECT w.words @@ %L::tsquery FROM customer_words w WHERE w.customer = c.id)', query);
            END IF;
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

-- A place in a sorted list: the sort, its direction, the value and the id of the last row. Opaque to clients.
CREATE FUNCTION cursor_text(sort text, direction text, at text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT translate(encode(convert_to(json_build_array(sort, direction, at, id)::text, 'UTF8'), 'base64'), '+/=' || chr(10), '-_')
$$;
CREATE FUNCTION cursor_read(given text, sort text, direction text, OUT at text, OUT id uuid) LANGUAGE plpgsql STABLE AS $$
DECLARE
    place jsonb;
BEGIN
    place := convert_from(decode(translate(given, '-_', '+/') || repeat('=', (4 - length(given) % 4) % 4), 'base64'), 'UTF8')::jsonb;
    IF place ->> 0 IS DISTINCT FROM sort OR place ->> 1 IS DISTINCT FROM direction OR jsonb_array_length(place) <> 4 THEN
        RAISE EXCEPTION 'another list';
    END IF;
    at := place ->> 2;
    id := (place ->> 3)::uuid;
    PERFORM CASE sort WHEN 'name' THEN true WHEN 'last_activity' THEN at::bigint IS NOT NULL ELSE at::timestamptz IS NOT NULL END;
    IF at IS NULL OR id IS NULL THEN
        RAISE EXCEPTION 'no place';
    END IF;
EXCEPTION WHEN OTHERS THEN
    PERFORM list_refuse('/after', 'is not the `next` of a page of this list');
END
$$;

-- Columns that lists may show; fields.NAME is one field.
CREATE FUNCTION is_column(name text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT name IN ('id', 'name', 'real_name', 'company', 'external_id', 'stage', 'owner', 'service_rep', 'source', 'tags', 'fields',
                    'contacts', 'version', 'created_at', 'updated_at', 'last_activity')
           OR (name LIKE 'fields.%' AND octet_length(name) BETWEEN 8 AND 207)
$$;
CREATE FUNCTION columns_of(of integer, by_role text, by_agent text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT c.columns FROM customer_columns c
    WHERE c.project = of AND c.agent = coalesce(by_agent, '') AND c.role = CASE WHEN by_agent IS NULL THEN by_role ELSE '' END
$$;

-- A row of a list. Columns NULL: all that a customer has.
CREATE FUNCTION customer_row(c customers, columns text[]) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN columns IS NULL THEN customer_json(c, contacts_json(c.id)) ELSE (
        SELECT json_object_agg(asked.name, CASE
                   WHEN asked.name LIKE 'fields.%' THEN (c.fields -> substr(asked.name, 8))::json
                   WHEN asked.name = 'last_activity'
                       THEN to_json((SELECT time_text(l.at_ms) FROM customer_last l WHERE l.customer = c.id))
                   ELSE whole.members -> asked.name END ORDER BY asked.n)
        FROM (SELECT customer_json(c, CASE WHEN 'contacts' = ANY (columns) THEN contacts_json(c.id) END)) whole (members),
             unnest('id'::text || array_remove(columns, 'id')) WITH ORDINALITY asked (name, n)) END
$$;

-- A list: {sort, order, after, limit, columns, and conditions}. Few that match are looked up and sorted; of many, the sort's own
-- index is walked until the page is full. Which it is, the planner's estimate of the conditions with indexes says.
CREATE FUNCTION list_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$ -- EXPLAIN counts as a change
#variable_conflict use_variable
DECLARE
    v         viewer := viewer_of(of, by_role, by_agent);
    sort      text := coalesce(args ->> 'sort', 'created_at');
    direction text := coalesce(args ->> 'order', 'asc');
    room      integer := (args ->> 'limit')::integer;
    shown     text[] := columns_of(of, by_role, by_agent);
    given     record;
    place     record;
    rights    text;
    source    text := 'customers c';
    key       text;
    plan      json;
    wanted    float;
    everybody float;
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
    key := CASE sort WHEN 'name' THEN 'c.name COLLATE "und-x-icu"' WHEN 'last_activity' THEN 'l.at_ms' ELSE 'c.' || sort END;
    IF sort = 'last_activity' THEN
        source := 'customer_last l JOIN customers c ON c.id = l.customer AND l.project = c.project';
    END IF;
    -- Who handles a chat or a mail finds everybody by the exact address, as its sender may be anybody.
    IF args ?| ARRAY['phone_key', 'email_key'] AND EXISTS (
        SELECT FROM interactions i
        WHERE i.project = of AND i.closed_ms IS NULL AND i.agent = v.agent AND i.channel IN (1, 2)) THEN
        rights := 'true';
    ELSE
        rights := list_rights(v);
    END IF;
    given := list_conditions(of, by_agent, args);
    given.indexed := format('c.project = %s AND c.deleted_at IS NULL', of) || given.indexed || rights;
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM customers c WHERE ' || array_to_string(given.indexed, ' AND ') INTO plan;
    wanted := (plan -> 0 -> 'Plan' ->> 'Plan Rows')::float;
    SELECT greatest(t.reltuples, 1) INTO everybody FROM pg_class t WHERE t.oid = 'customers'::regclass;
    IF args ? 'after' THEN
        place := cursor_read(args ->> 'after', sort, direction);
        past := format('(%s, c.id) %s (%L, %L::uuid)', key, CASE direction WHEN 'asc' THEN '>' ELSE '<' END, place.at, place.id);
    END IF;
    EXECUTE format(
        CASE WHEN wanted * wanted <= everybody * (room + 1)
             THEN 'SELECT array_agg(id), array_agg(at::text) FROM (SELECT x.id, x.at FROM (SELECT c.id, %1$s AS at FROM %2$s WHERE %3$s OFFSET 0) x'
                  ' ORDER BY x.at %4$s, x.id %4$s LIMIT %5$s) page'
             ELSE 'SELECT array_agg(id), array_agg(at::text) FROM (SELECT c.id, %1$s AS at FROM %2$s WHERE %3$s'
                  ' ORDER BY %1$s %4$s, c.id %4$s LIMIT %5$s) page' END,
        key, source, array_to_string(given.indexed || given.looked || past, ' AND '), direction, room + 1) INTO ids, ats;
    RETURN QUERY SELECT 'ok', json_build_object(
        'items', coalesce((SELECT json_agg(customer_row(c, shown) ORDER BY page.n)
                           FROM unnest(ids[:room]) WITH ORDINALITY page (id, n) JOIN customers c ON c.id = page.id), '[]'),
        'next', CASE WHEN cardinality(ids) > room THEN cursor_text(sort, direction, ats[room], ids[room]) END)::text, NULL;
EXCEPTION WHEN SQLSTATE 'PB400' THEN
    GET STACKED DIAGNOSTICS outcome = MESSAGE_TEXT, pointer = PG_EXCEPTION_DETAIL;
    RETURN QUERY SELECT 'invalid', outcome, pointer;
END
$$;

-- --- My customers ---

-- Whose owner or service rep the agent is, and whom the agent follows and may view.
CREATE FUNCTION mine_of(v viewer) RETURNS TABLE (customer uuid, at_ms bigint) LANGUAGE sql STABLE AS $$
    SELECT c.id, coalesce(l.at_ms, 0)
    FROM (SELECT o.id FROM customers o WHERE o.project = v.project AND o.owner = v.agent AND o.deleted_at IS NULL
          UNION
          SELECT s.id FROM customers s WHERE s.project = v.project AND s.service_rep = v.agent AND s.deleted_at IS NULL
          UNION
          SELECT f.customer FROM follows f WHERE f.project = v.project AND f.agent = v.agent) one
    JOIN customers c ON c.id = one.id AND c.deleted_at IS NULL
    LEFT JOIN customer_last l ON l.customer = c.id
    WHERE c.owner = v.agent OR c.service_rep = v.agent OR right_on(v, c) >= 1
$$;

CREATE FUNCTION mine_row(v viewer, of uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'customer', customer_json(c, contacts_json(c.id)),
        'unread', coalesce(l.heard_ms > coalesce(r.read_ms, 0) AND m.agent IS NULL, false),
        'followed', f.agent IS NOT NULL, 'last_activity', time_text(l.at_ms), 'interaction', l.interaction)
    FROM customers c
    LEFT JOIN customer_last l ON l.customer = c.id
    LEFT JOIN customer_reads r ON r.project = v.project AND r.agent = v.agent AND r.customer = c.id
    LEFT JOIN follows f ON f.project = v.project AND f.agent = v.agent AND f.customer = c.id
    LEFT JOIN interactions i ON i.id = l.interaction
    LEFT JOIN mutes m ON m.project = v.project AND m.agent = v.agent AND m.conversation = i.conversation
    WHERE c.id = of
$$;

-- {after, limit}: the newest first.
CREATE FUNCTION my_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v     viewer := viewer_of(of, by_role, by_agent);
    room  integer := (args ->> 'limit')::integer;
    place record;
    ids   uuid[];
    ats   bigint[];
BEGIN
    IF args ? 'after' THEN
        place := cursor_read(args ->> 'after', 'last_activity', 'mine');
        SELECT array_agg(page.customer), array_agg(page.at_ms) INTO ids, ats
        FROM (SELECT m.* FROM mine_of(v) m WHERE (m.at_ms, m.customer) < (place.at::bigint, place.id)
              ORDER BY m.at_ms DESC, m.customer DESC LIMIT room + 1) page;
    ELSE
        SELECT array_agg(page.customer), array_agg(page.at_ms) INTO ids, ats
        FROM (SELECT m.* FROM mine_of(v) m ORDER BY m.at_ms DESC, m.customer DESC LIMIT room + 1) page;
    END IF;
    RETURN QUERY SELECT 'ok', json_build_object(
        'items', coalesce((SELECT json_agg(mine_row(v, page.id) ORDER BY page.n)
                           FROM unnest(ids[:room]) WITH ORDINALITY page (id, n)), '[]'),
        'next', CASE WHEN cardinality(ids) > room
                     THEN cursor_text('last_activity', 'mine', ats[room]::text, ids[room]) END)::text, NULL;
EXCEPTION WHEN SQLSTATE 'PB400' THEN
    GET STACKED DIAGNOSTICS outcome = MESSAGE_TEXT, pointer = PG_EXCEPTION_DETAIL;
    RETURN QUERY SELECT 'invalid', outcome, pointer;
END
$$;

-- {from}: the one after or before it in my_customers(); without it the first or the last. {"item": null} at an end.
CREATE FUNCTION my_neighbour(of integer, by_role text, by_agent text, args jsonb, forwards boolean)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql STABLE AS $$
DECLARE
    v     viewer := viewer_of(of, by_role, by_agent);
    place record;
    found_id uuid;
BEGIN
    SELECT m.at_ms, m.customer INTO place FROM mine_of(v) m WHERE m.customer = (args ->> 'from')::uuid;
    IF args ? 'from' AND place.customer IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'this is not one of your customers', '/from';
        RETURN;
    END IF;
    IF forwards THEN
        SELECT m.customer INTO found_id FROM mine_of(v) m
        WHERE NOT args ? 'from' OR (m.at_ms, m.customer) < (place.at_ms, place.customer)
        ORDER BY m.at_ms DESC, m.customer DESC LIMIT 1;
    ELSE
        SELECT m.customer INTO found_id FROM mine_of(v) m
        WHERE NOT args ? 'from' OR (m.at_ms, m.customer) > (place.at_ms, place.customer)
        ORDER BY m.at_ms, m.customer LIMIT 1;
    END IF;
    RETURN QUERY SELECT 'ok', json_build_object('item', mine_row(v, found_id))::text, NULL;
END
$$;

-- --- Tags ---

-- The kind of a tag by the project file, or NULL: no kind, which is a kind of its own.
CREATE FUNCTION tag_kind(of integer, tag text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT k.key FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'tags', '{}')) k
    WHERE s.project = of AND k.value ? tag LIMIT 1
$$;

-- What is wrong with {mode, tags, kind}: a pointer and a sentence, or nothing.
CREATE FUNCTION tags_fault(of integer, args jsonb) RETURNS TABLE (pointer text, why text) LANGUAGE sql STABLE AS $$
    SELECT '/kind', 'the project file has no such kind of tags'
    WHERE args ? 'kind' AND NOT EXISTS (SELECT FROM customer_settings s WHERE s.project = of AND s.settings -> 'tags' ? (args ->> 'kind'))
    UNION ALL
    SELECT '/tags/' || t.n - 1,
           CASE WHEN args ? 'kind' THEN 'is not a tag of this kind' ELSE format('is a tag of the kind %s', tag_kind(of, t.tag)) END
    FROM jsonb_array_elements_text(args -> 'tags') WITH ORDINALITY t (tag, n)
    WHERE (args ? 'kind' OR args ->> 'mode' = 'set') AND tag_kind(of, t.tag) IS DISTINCT FROM args ->> 'kind'
    LIMIT 1
$$;

-- Sets, adds or removes tags of customers, of whom the rows are locked first, by id. `status`: ok or a problem.
CREATE FUNCTION tag_customers(of integer, by_role text, by_agent text, args jsonb, ids uuid[])
    RETURNS TABLE (customer uuid, status text, detail text) LANGUAGE plpgsql AS $$
#variable_conflict use_variable
DECLARE
    v       viewer := viewer_of(of, by_role, by_agent);
    given   text[] := ARRAY(SELECT jsonb_array_elements_text(args -> 'tags'));
    mode    text := args ->> 'mode';
    kind    text := args ->> 'kind';
    of_kind text[] := ARRAY(SELECT jsonb_array_elements_text(s.settings -> 'tags' -> kind) FROM customer_settings s WHERE s.project = of);
    kinds   text[] := ARRAY(SELECT jsonb_array_elements_text(k.value)
                            FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'tags', '{}')) k WHERE s.project = of);
    moved   uuid[] := '{}';
    old     customers;
    new     customers;
    kept    text[];
BEGIN
    FOR old IN SELECT c.* FROM customers c
               WHERE c.id = ANY (ids) AND c.project = of AND c.deleted_at IS NULL ORDER BY c.id FOR UPDATE LOOP
        ids := array_remove(ids, old.id);
        customer := old.id;
        status := 'ok';
        detail := NULL;
        IF right_on(v, old) = 0 THEN
            status := 'not_found';
            detail := 'there is no such customer';
        ELSIF right_on(v, old) = 1 THEN
            status := 'forbidden';
            detail := 'you may see this customer but not edit it';
        ELSE
            kept := ARRAY(
                SELECT t.tag FROM unnest(old.tags) WITH ORDINALITY t (tag, n)
                WHERE CASE mode WHEN 'add' THEN true WHEN 'remove' THEN t.tag <> ALL (given)
                                ELSE t.tag = ANY (given) OR (CASE WHEN kind IS NULL THEN t.tag = ANY (kinds) ELSE t.tag <> ALL (of_kind) END) END
                ORDER BY t.n);
            IF mode <> 'remove' THEN
                kept := kept || ARRAY(SELECT g.tag FROM unnest(given) WITH ORDINALITY g (tag, n)
                                      WHERE g.tag <> ALL (kept) ORDER BY g.n);
            END IF;
            IF cardinality(kept) > 64 THEN
                status := 'invalid';
                detail := 'a customer has at most 64 tags';
            ELSIF kept <> old.tags THEN
                UPDATE customers c SET tags = kept, version = c.version + 1, updated_at = now() WHERE c.id = old.id
                RETURNING c.* INTO new;
                INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
                VALUES (of, old.id, (args ->> 'now_ms')::bigint, 'Tag customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
                        customer_changes(old, new, NULL, NULL));
                moved := moved || old.id;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
    FOREACH customer IN ARRAY ids LOOP
        status := 'not_found';
        detail := 'there is no such customer';
        RETURN NEXT;
    END LOOP;
    PERFORM facts_moved(of, moved, '{}');
END
$$;

-- The same for one, with the customer as it is then.
CREATE FUNCTION tag_customer(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT 'invalid', f.why, f.pointer INTO outcome, answer, pointer FROM tags_fault(of, args) f;
    IF outcome IS NULL THEN
        SELECT t.status, t.detail INTO outcome, answer
        FROM tag_customers(of, by_role, by_agent, args, ARRAY[(args ->> 'customer')::uuid]) t;
    END IF;
    IF outcome = 'ok' THEN
        SELECT customer_json(c, contacts_json(c.id))::text INTO answer FROM customers c WHERE c.id = (args ->> 'customer')::uuid;
    END IF;
    RETURN NEXT;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA patchbay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION words_of(text), customer_lexemes(customers), uuid_ms(uuid), index_customers(integer, uuid, bigint, bigint),
    index_some(integer, uuid[]), list_refuse(text, text), list_rights(viewer), moment_of(text), list_field(jsonb, text),
    list_keyword(integer, jsonb), list_conditions(integer, text, jsonb), cursor_text(text, text, text, uuid),
    cursor_read(text, text, text), is_column(text), columns_of(integer, text, text), customer_row(customers, text[]),
    list_customers(integer, text, text, jsonb), mine_of(viewer), mine_row(viewer, uuid), my_customers(integer, text, text, jsonb),
    my_neighbour(integer, text, text, jsonb, boolean), tag_kind(integer, text), tags_fault(integer, jsonb),
    tag_customers(integer, text, text, jsonb, uuid[]), tag_customer(integer, text, text, jsonb) TO patchbay_server;
GRANT SELECT ON customer_words, customer_last, tag_counts, customer_queue, customer_marks, follows, customer_reads, mutes,
    customer_columns TO patchbay_server;
GRANT INSERT, UPDATE, DELETE ON customer_words, customer_last, tag_counts, customer_columns TO patchbay_server;
GRANT INSERT, DELETE ON customer_queue TO patchbay_server;
GRANT INSERT, UPDATE ON customer_marks TO patchbay_server;
GRANT INSERT, UPDATE, DELETE ON follows, mutes, customer_reads TO patchbay_server;

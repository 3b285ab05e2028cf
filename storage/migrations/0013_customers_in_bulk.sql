-- What becomes of customers: deleted, erased, merged and unmerged; duplicates as they come in; imports. docs/customers.md and
-- docs/import-export.md. Functions of several steps lock first and look then: customers by id, the fence last.

ALTER TABLE customers
    ADD merged_into uuid,  -- part of that one since a merge; deleted_at is set too
    ADD erased_ms bigint;
CREATE INDEX customers_merged ON customers (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX customers_merged_external_id ON customers (project, external_id)
    WHERE external_id IS NOT NULL AND merged_into IS NOT NULL;
CREATE INDEX interactions_customer ON interactions (customer, id) WHERE closed_ms IS NOT NULL AND customer IS NOT NULL;

-- A merge and all that it moved, so that it can be undone.
CREATE TABLE customer_merges (
    id              bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project         integer NOT NULL,
    customer        uuid NOT NULL,  -- who stayed
    other           uuid NOT NULL,  -- who became part of it
    at_ms           bigint NOT NULL,
    customer_was    jsonb,          -- {row, contacts}; NULL once one of both was erased
    customer_became jsonb,
    other_was       jsonb,          -- {contacts, shares}: its row stays as it was
    shares          jsonb,          -- [{kind, name}] that the one who stayed had not
    follows         text[] NOT NULL DEFAULT '{}', -- agents who followed the other alone
    interactions    uuid[] NOT NULL,
    blocks          uuid[] NOT NULL, -- of the one who stayed, made for those of the other
    activity        jsonb,          -- of the one who stayed, before
    undone_ms       bigint
);
CREATE INDEX customer_merges_customer ON customer_merges (customer);
CREATE INDEX customer_merges_other ON customer_merges (other);

-- A key that more than one customer had at some time; the list looks who has it now.
CREATE TABLE duplicates (
    id       bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    project  integer NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('phone', 'email')),
    key      text NOT NULL,
    since_ms bigint NOT NULL,
    UNIQUE (project, kind, key)
);
CREATE INDEX duplicates_page ON duplicates (project, id);

-- How far the journal was searched for somebody who is being erased. The row goes with the last page of it.
CREATE TABLE erasures (
    customer     uuid PRIMARY KEY,
    project      integer NOT NULL,
    ids          uuid[] NOT NULL,   -- whoever was merged into it too
    keys         text[] NOT NULL,
    interactions uuid[] NOT NULL,
    next_seq     bigint NOT NULL,
    last_seq     bigint NOT NULL,
    emptied      bigint NOT NULL DEFAULT 0
);

CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT (extract(epoch FROM now()) * 1000)::bigint $$;

-- A version 7 UUID of that time, in the order of `n` within it, and chance (RFC 9562 5.7 and 6.2).
CREATE FUNCTION make_id(ms bigint, n bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (left(uuid_floor(ms)::text, 14) || '7' || lpad(to_hex(n & 4095), 3, '0') || right(gen_random_uuid()::text, 18))::uuid
$$;

-- The one that stayed, over any number of merges.
CREATE FUNCTION merged_target(of uuid) RETURNS uuid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE way (id, next, depth) AS (
        SELECT c.id, c.merged_into, 0 FROM customers c WHERE c.id = of
        UNION ALL
        SELECT c.id, c.merged_into, w.depth + 1 FROM way w JOIN customers c ON c.id = w.next WHERE w.depth < 100
    )
    SELECT id FROM way WHERE next IS NULL
$$;

-- It and all that were merged into it: an open interaction keeps the customer that it began with until it is closed.
CREATE FUNCTION merged_ids(of uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE parts (id, depth) AS (
        SELECT of, 0
        UNION ALL
        SELECT c.id, p.depth + 1 FROM parts p JOIN customers c ON c.merged_into = p.id WHERE p.depth < 100
    )
    SELECT array_agg(DISTINCT id) FROM parts
$$;

CREATE OR REPLACE FUNCTION is_handling(v viewer, of uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT v.agent IS NOT NULL AND EXISTS (
        SELECT FROM interactions i
        WHERE i.project = v.project AND i.closed_ms IS NULL AND i.agent = v.agent
          AND (i.customer = of OR of = ANY (i.candidates) OR merged_target(i.customer) = of))
$$;

-- Keys that are not named ({}: somebody was erased) may be anybody's.
CREATE OR REPLACE FUNCTION facts_allow(of integer, decided_on bigint, decided_keys text[]) RETURNS boolean
    LANGUAGE plpgsql STRICT AS $$
DECLARE
    current_version bigint;
BEGIN
    SELECT f.facts_version INTO current_version FROM fences f WHERE f.project = of FOR UPDATE;
    -- A statement of its own: it sees what was committed while the one before waited for the row.
    RETURN NOT EXISTS (SELECT FROM changes c
                       WHERE c.project = of AND c.version > decided_on AND c.version <= current_version
                         AND (c.kind <> 'customer' OR c.keys = '{}' OR c.keys && decided_keys));
END
$$;

CREATE FUNCTION log_customer(of integer, role text, agent text, args jsonb, id uuid, operation text, changes jsonb)
    RETURNS void LANGUAGE sql AS $$
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    VALUES (of, id, (args ->> 'now_ms')::bigint, operation, actor_of(role, agent), role, args -> 'origin', changes)
$$;

-- --- Deletion ---

-- Marks those of `ids` that the caller may delete; one row for each, in their order.
CREATE FUNCTION delete_customers(of integer, by_role text, by_agent text, args jsonb, ids uuid[], operation text)
    RETURNS TABLE (customer uuid, status text, detail text) LANGUAGE plpgsql AS $$
DECLARE
    v viewer := viewer_of(of, by_role, by_agent);
    gone uuid[];
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    UPDATE customers c SET deleted_at = now(), updated_at = now(), version = c.version + 1
    WHERE c.project = of AND c.id = ANY (ids) AND c.deleted_at IS NULL AND right_on(v, c) >= 3;
    gone := ARRAY(SELECT c.id FROM customers c WHERE c.id = ANY (ids) AND c.project = of AND c.deleted_at = now());
    PERFORM log_customer(of, by_role, by_agent, args, g.id, operation, '[]') FROM unnest(gone) g (id);
    RETURN QUERY
    SELECT i.id,
           CASE WHEN i.id = ANY (gone) THEN 'ok' WHEN c.id IS NULL THEN 'not_found' ELSE 'forbidden' END,
           CASE WHEN i.id = ANY (gone) THEN NULL WHEN c.id IS NULL THEN 'there is no such customer'
                ELSE 'only an admin may delete a customer' END
    FROM unnest(ids) WITH ORDINALITY i (id, n)
    LEFT JOIN customers c ON c.id = i.id AND c.project = of AND c.deleted_at IS NULL AND right_on(v, c) >= 1
    ORDER BY i.n;
    PERFORM facts_moved(of, gone, '{}');
END
$$;

-- --- Merges ---

CREATE FUNCTION contact_rows(of uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(jsonb_agg(to_jsonb(k) ORDER BY k.position), '[]') FROM contacts k WHERE k.customer = of
$$;

-- Writes the list in place of whatever there is.
CREATE FUNCTION put_contacts(of uuid, list jsonb) RETURNS void LANGUAGE sql AS $$
    DELETE FROM contacts k WHERE k.customer = of AND k.position >= jsonb_array_length(list);
    INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
    SELECT of, line.n - 1, (item ->> 'project')::integer, item ->> 'label', item ->> 'phone', item ->> 'email',
           item ->> 'phone_key', item ->> 'email_key'
    FROM jsonb_array_elements(list) WITH ORDINALITY line (item, n)
    ON CONFLICT (customer, position) DO UPDATE
    SET label = excluded.label, phone = excluded.phone, email = excluded.email, phone_key = excluded.phone_key,
        email_key = excluded.email_key
$$;

CREATE FUNCTION keys_of(list jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(SELECT DISTINCT key FROM jsonb_array_elements(list) item,
                 LATERAL (VALUES (item ->> 'phone_key'), (item ->> 'email_key')) v (key) WHERE key IS NOT NULL)
$$;

-- What differs between two contacts is not where they stand.
CREATE FUNCTION contact_text(item jsonb) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_build_array(item -> 'label', item -> 'phone', item -> 'email')::text
$$;

-- The limit that `list` passes, in words; NULL: none.
CREATE FUNCTION contacts_over(of integer, list jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN jsonb_array_length(list) > most THEN format('a customer has at most %s contacts', most)
        WHEN (SELECT count(*) FROM jsonb_array_elements(list) item WHERE item ->> 'phone' IS NOT NULL) > slots
            THEN format('a customer has at most %s contacts with a phone', slots)
    END
    FROM (SELECT 1) one
    LEFT JOIN customer_settings s ON s.project = of,
    LATERAL (SELECT coalesce((s.settings #>> '{contacts,max}')::integer, 9) AS most,
                    coalesce((s.settings #>> '{contacts,phone_slots}')::integer, 3) AS slots) limits
$$;

-- The list, and what of `more` has a key that it has not.
CREATE FUNCTION contacts_joined(list jsonb, more jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT list || coalesce(jsonb_agg(item ORDER BY n), '[]')
    FROM jsonb_array_elements(more) WITH ORDINALITY line (item, n)
    WHERE NOT keys_of(jsonb_build_array(item)) <@ keys_of(list)
$$;

-- Copies of the blocks of one customer for another, announced as any block is. The fence is ours by now.
CREATE FUNCTION copy_blocks(of integer, from_id uuid, to_id uuid, by_whom text, now_ms bigint) RETURNS uuid[]
    LANGUAGE plpgsql AS $$
DECLARE
    b blacklist;
    id uuid;
    made uuid[] := '{}';
    now_facts bigint;
    start bigint;
BEGIN
    FOR b IN SELECT * FROM blacklist x WHERE x.project = of AND x.customer = from_id AND x.lifted_ms IS NULL
                                         AND (x.until_ms IS NULL OR x.until_ms > now_ms) ORDER BY x.id LOOP
        id := make_id(now_ms, cardinality(made));
        UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of
        RETURNING f.facts_version, greatest(now_ms, f.last_ms) INTO now_facts, start;
        CONTINUE WHEN b.until_ms <= start;
        INSERT INTO blacklist (id, project, kind, customer, channels, reason, author, start_ms, until_ms)
        VALUES (id, of, 'customer', to_id, b.channels, b.reason, by_whom, start, b.until_ms);
        INSERT INTO changes (project, version, kind, ref) VALUES (of, now_facts, 'block', id);
        PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
        made := made || id;
    END LOOP;
    RETURN made;
END
$$;

CREATE FUNCTION lift_blocks(of integer, ids uuid[], by_whom text, now_ms bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    block uuid;
    now_facts bigint;
BEGIN
    FOREACH block IN ARRAY ids LOOP
        UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of RETURNING f.facts_version INTO now_facts;
        UPDATE blacklist b SET lifted_ms = greatest(now_ms, b.start_ms), lifted_by = by_whom
        WHERE b.id = block AND b.lifted_ms IS NULL;
        IF FOUND THEN
            INSERT INTO changes (project, version, kind, ref) VALUES (of, now_facts, 'unblock', block);
            PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
        END IF;
    END LOOP;
END
$$;

-- Whoever follows the one follows the other too; gives those who did not. Follows have a migration of
-- their own.
CREATE FUNCTION move_follows(from_id uuid, to_id uuid) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    moved text[] := '{}';
BEGIN
    IF to_regclass('follows') IS NOT NULL THEN
        EXECUTE 'WITH made AS (INSERT INTO follows (project, agent, customer, at_ms)
                               SELECT f.project, f.agent, $2, f.at_ms FROM follows f WHERE f.customer = $1
                               ON CONFLICT DO NOTHING RETURNING agent)
                 SELECT ARRAY(SELECT agent FROM made)' INTO moved USING from_id, to_id;
    END IF;
    RETURN moved;
END
$$;

CREATE FUNCTION drop_follows(of uuid, agents text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF cardinality(agents) > 0 THEN
        EXECUTE 'DELETE FROM follows f WHERE f.customer = $1 AND f.agent = ANY ($2)' USING of, agents;
    END IF;
END
$$;

-- {customer, other}: `other` becomes part of `customer`.
CREATE FUNCTION merge_customers(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql AS $$
DECLARE
    stay_id  uuid := args ->> 'customer';
    go_id    uuid := args ->> 'other';
    now_ms   bigint := args ->> 'now_ms';
    v        viewer := viewer_of(of, by_role, by_agent);
    stays    customers;
    goes     customers;
    became   customers;
    had      jsonb;
    gave     jsonb;
    has      jsonb;
    too_many text;
    merge    bigint;
    joined   jsonb;
    shared   jsonb;
BEGIN
    IF stay_id = go_id THEN
        RETURN QUERY SELECT 'invalid', 'a customer cannot be merged with itself', '/other';
        RETURN;
    END IF;
    PERFORM FROM customers c WHERE c.id IN (stay_id, go_id) ORDER BY c.id FOR UPDATE;
    SELECT c.* INTO stays FROM customers c WHERE c.id = stay_id AND c.deleted_at IS NULL AND right_on(v, c) >= 1;
    SELECT c.* INTO goes FROM customers c WHERE c.id = go_id AND c.deleted_at IS NULL AND right_on(v, c) >= 1;
    IF stays.id IS NULL OR goes.id IS NULL THEN
        RETURN QUERY SELECT 'not_found', 'there is no such customer', CASE WHEN stays.id IS NULL THEN NULL ELSE '/other' END;
        RETURN;
    END IF;
    IF right_on(v, stays) < 2 OR right_on(v, goes) < 2 THEN
        RETURN QUERY SELECT 'forbidden', 'you may see these customers but not edit both', NULL;
        RETURN;
    END IF;
    had := contact_rows(stay_id);
    gave := contact_rows(go_id);
    has := contacts_joined(had, gave);
    too_many := contacts_over(of, has);
    IF too_many IS NOT NULL THEN
        RETURN QUERY SELECT 'contact_limit', format('%s: together they have more; nothing was merged', too_many), '/other';
        RETURN;
    END IF;
    UPDATE customers c SET merged_into = stay_id, deleted_at = now(), updated_at = now(), version = c.version + 1
    WHERE c.id = go_id;
    joined := goes.fields || stays.fields;
    UPDATE customers c
    SET name = CASE WHEN c.name = '' THEN goes.name ELSE c.name END, real_name = coalesce(c.real_name, goes.real_name),
        company = coalesce(c.company, goes.company), external_id = coalesce(c.external_id, goes.external_id),
        source = coalesce(c.source, goes.source),
        tags = (c.tags || ARRAY(SELECT t.tag FROM unnest(goes.tags) WITH ORDINALITY t (tag, n)
                                WHERE t.tag <> ALL (c.tags) ORDER BY t.n))[1:64],
        -- As many as one customer may have, or those of the one who stays.
        fields = CASE WHEN octet_length(joined::text) <= 16384 AND (SELECT count(*) FROM jsonb_object_keys(joined)) <= 100
                      THEN joined ELSE c.fields END,
        version = c.version + 1, updated_at = now()
    WHERE c.id = stay_id
    RETURNING c.* INTO became;
    PERFORM put_contacts(go_id, '[]'), put_contacts(stay_id, has);
    WITH given AS (
        INSERT INTO shares (project, customer, kind, name, shared_by, at_ms)
        SELECT s.project, stay_id, s.kind, s.name, s.shared_by, s.at_ms FROM shares s WHERE s.customer = go_id
        ON CONFLICT DO NOTHING RETURNING kind, name
    )
    SELECT coalesce(jsonb_agg(to_jsonb(given)), '[]') INTO shared FROM given;
    INSERT INTO customer_merges (project, customer, other, at_ms, customer_was, customer_became, other_was, shares, interactions,
                                 blocks, activity)
    VALUES (of, stay_id, go_id, now_ms, jsonb_build_object('row', to_jsonb(stays), 'contacts', had),
            jsonb_build_object('row', to_jsonb(became), 'contacts', contact_rows(stay_id)),
            jsonb_build_object('contacts', gave, 'shares', (SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM shares s
                                                            WHERE s.customer = go_id)),
            shared, '{}', '{}', (SELECT to_jsonb(a) FROM activity a WHERE a.customer = stay_id))
    RETURNING id INTO merge;
    DELETE FROM shares s WHERE s.customer = go_id;
    UPDATE customer_merges m SET follows = move_follows(go_id, stay_id) WHERE m.id = merge;
    WITH moved AS (
        UPDATE interactions i SET customer = stay_id WHERE i.customer = go_id AND i.closed_ms IS NOT NULL RETURNING i.id
    )
    UPDATE customer_merges m SET interactions = ARRAY(SELECT moved.id FROM moved) WHERE m.id = merge;
    -- As an event's batch: the fence, then what is known of somebody's last interaction.
    PERFORM FROM fences f WHERE f.project = of FOR UPDATE;
    INSERT INTO activity AS a (customer, interaction, agent, at_ms)
    SELECT stay_id, b.interaction, b.agent, b.at_ms FROM activity b WHERE b.customer = go_id
    ON CONFLICT (customer) DO UPDATE
    SET interaction = excluded.interaction, agent = excluded.agent, at_ms = excluded.at_ms
    WHERE a.interaction < excluded.interaction;
    PERFORM log_customer(of, by_role, by_agent, args, stay_id, 'Merge customer',
                         customer_changes(stays, became, contacts_shown(had), contacts_shown(has))
                         || jsonb_build_array(jsonb_build_object('field', 'merged', 'old', NULL, 'new', go_id))),
            log_customer(of, by_role, by_agent, args, go_id, 'Merge customer',
                         jsonb_build_array(jsonb_build_object('field', 'merged_into', 'old', NULL, 'new', stay_id)));
    PERFORM facts_moved(of, ARRAY[stay_id], keys_of(gave));
    UPDATE customer_merges m SET blocks = copy_blocks(of, go_id, stay_id, actor_of(by_role, by_agent), now_ms) WHERE m.id = merge;
    RETURN QUERY SELECT 'ok', customer_json(became, contacts_json(stay_id))::text, NULL;
END
$$;

CREATE FUNCTION contacts_shown(list jsonb) RETURNS json LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(json_agg(json_build_object('label', item -> 'label', 'phone', item -> 'phone', 'email', item -> 'email')
                             ORDER BY n), '[]')
    FROM jsonb_array_elements(list) WITH ORDINALITY line (item, n)
$$;

-- {customer, other}: both as they were before the merge. What was changed since stays changed.
CREATE FUNCTION unmerge_customers(of integer, by_role text, by_agent text, args jsonb)
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
    IF right_on(v, stays) < 2 OR right_on(v, goes) < 2 THEN
        RETURN QUERY SELECT 'forbidden', 'you may see this customer but not edit both', NULL;
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
    UPDATE customers c SET merged_into = NULL, deleted_at = NULL, updated_at = now(), version = c.version + 1 WHERE c.id = go_id;
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

-- --- Duplicates ---

-- At the commit, and so with the fence in hand: whoever else wrote the same key is either seen or still to come.
CREATE FUNCTION note_duplicates() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM contacts k JOIN customers c ON c.id = k.customer
               WHERE k.project = new.project AND k.phone_key = new.phone_key AND k.customer <> new.customer
                 AND c.deleted_at IS NULL) THEN
        INSERT INTO duplicates (project, kind, key, since_ms) VALUES (new.project, 'phone', new.phone_key, now_ms())
        ON CONFLICT DO NOTHING;
    END IF;
    IF EXISTS (SELECT FROM contacts k JOIN customers c ON c.id = k.customer
               WHERE k.project = new.project AND k.email_key = new.email_key AND k.customer <> new.customer
                 AND c.deleted_at IS NULL) THEN
        INSERT INTO duplicates (project, kind, key, since_ms) VALUES (new.project, 'email', new.email_key, now_ms())
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER contacts_note_duplicates AFTER INSERT OR UPDATE OF phone_key, email_key ON contacts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note_duplicates();
INSERT INTO duplicates (project, kind, key, since_ms)
SELECT k.project, v.kind, v.key, now_ms()
FROM contacts k JOIN customers c ON c.id = k.customer AND c.deleted_at IS NULL,
LATERAL (VALUES ('phone', k.phone_key), ('email', k.email_key)) v (kind, key)
WHERE v.key IS NOT NULL GROUP BY k.project, v.kind, v.key HAVING count(DISTINCT k.customer) > 1;

-- Who has the key and may be seen, oldest first, at most `most`.
CREATE FUNCTION duplicate_customers(v viewer, d duplicates, most integer) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(customer_json(c, contacts_json(c.id)) ORDER BY c.id), '[]')
    FROM (SELECT c.* FROM customers c
          WHERE c.id IN (SELECT k.customer FROM contacts k WHERE k.project = d.project AND d.kind = 'phone' AND k.phone_key = d.key
                         UNION ALL
                         SELECT k.customer FROM contacts k WHERE k.project = d.project AND d.kind = 'email' AND k.email_key = d.key)
            AND c.deleted_at IS NULL AND right_on(v, c) >= 1
          ORDER BY c.id LIMIT most) row JOIN customers c USING (id)
$$;

-- --- Erasure: as the owner of history, which the server's role may only append to ---

-- {customer}: all of the person but what stands in the journal's content, which erase_content() goes through page by page.
CREATE FUNCTION erase_customer(of integer, by_role text, by_agent text, args jsonb)
    RETURNS TABLE (outcome text, answer text, pointer text) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
DECLARE
    erased  uuid := args ->> 'customer';
    now_ms  bigint := args ->> 'now_ms';
    v       viewer := viewer_of(of, by_role, by_agent);
    person  customers;
    all_ids uuid[];
    lists   jsonb;
    all_keys text[];
    b       uuid;
    now_facts bigint;
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (merged_ids(erased)) ORDER BY c.id FOR UPDATE;
    all_ids := merged_ids(erased);
    SELECT c.* INTO person FROM customers c WHERE c.project = of AND c.id = erased AND right_on(v, c) >= 1
        AND (c.deleted_at IS NULL OR by_role = 'admin');
    IF person.id IS NULL OR person.merged_into IS NOT NULL THEN
        RETURN QUERY SELECT 'not_found', CASE WHEN person.id IS NULL THEN 'there is no such customer'
            ELSE format('it was merged into %s: erase that', merged_target(erased)) END, NULL;
        RETURN;
    END IF;
    IF right_on(v, person) < 3 THEN
        RETURN QUERY SELECT 'forbidden', 'only an admin may erase a customer', NULL;
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids)) THEN
        RETURN QUERY SELECT 'already_taken', 'an interaction of this customer is still open: end it first', NULL;
        RETURN;
    END IF;
    SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') INTO lists FROM contacts k WHERE k.customer = ANY (all_ids);
    SELECT lists || coalesce(jsonb_agg(item), '[]') INTO lists
    FROM customer_merges m, jsonb_array_elements(coalesce(m.customer_was -> 'contacts', '[]') || coalesce(m.other_was -> 'contacts', '[]')) item
    WHERE (m.customer = ANY (all_ids) OR m.other = ANY (all_ids)) AND item ->> 'customer' = ANY (all_ids::text[]);
    all_keys := keys_of(lists) || ARRAY(SELECT x FROM jsonb_array_elements(lists) i, LATERAL (VALUES (i ->> 'phone'), (i ->> 'email')) t (x)
                                        WHERE x IS NOT NULL);
    INSERT INTO erasures AS e (customer, project, ids, keys, interactions, next_seq, last_seq)
    SELECT erased, of, all_ids, all_keys,
           ARRAY(SELECT i.id FROM interactions i WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL),
           (SELECT coalesce(min(c.seq), 1) FROM content c WHERE c.project = of), f.journal_seq
    FROM fences f WHERE f.project = of
    ON CONFLICT (customer) DO UPDATE
    SET next_seq = excluded.next_seq, last_seq = excluded.last_seq,
        keys = ARRAY(SELECT unnest(e.keys) UNION SELECT unnest(excluded.keys));
    UPDATE interactions i SET routing = NULL WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL;
    -- A row that was refused may name anybody in any spelling: all of them go.
    DELETE FROM import_errors x USING imports i WHERE i.id = x.import AND i.project = of;
    UPDATE customers c
    SET name = '', real_name = NULL, company = NULL, external_id = NULL, source = NULL, tags = '{}', fields = '{}',
        erased_ms = now_ms, deleted_at = coalesce(c.deleted_at, now()), updated_at = now(), version = c.version + 1
    WHERE c.id = ANY (all_ids);
    DELETE FROM contacts k WHERE k.customer = ANY (all_ids);
    DELETE FROM shares s WHERE s.customer = ANY (all_ids);
    -- What only serves to find somebody.
    IF to_regclass('customer_words') IS NOT NULL THEN
        EXECUTE 'UPDATE customer_words w SET words = '''' WHERE w.customer = ANY ($1)' USING all_ids;
    END IF;
    IF to_regclass('field_values') IS NOT NULL THEN
        EXECUTE 'DELETE FROM field_values f WHERE f.customer = ANY ($1)' USING all_ids;
    END IF;
    UPDATE customer_log l SET changes = '[]' WHERE l.customer = ANY (all_ids) AND l.changes <> '[]';
    -- Whom this one was once merged with, as long as the two were one.
    UPDATE customer_log l SET changes = '[]' FROM customer_merges m
    WHERE (m.customer = ANY (all_ids) OR m.other = ANY (all_ids)) AND l.customer IN (m.customer, m.other)
      AND l.at_ms BETWEEN m.at_ms AND coalesce(m.undone_ms, now_ms) AND l.changes <> '[]';
    UPDATE customer_merges m SET customer_was = NULL, customer_became = NULL, other_was = NULL, shares = NULL
    WHERE m.customer = ANY (all_ids) OR m.other = ANY (all_ids);
    PERFORM log_customer(of, by_role, by_agent, args, erased, 'Erase customer', '[]');
    -- The fence from here on. Which keys it was is not written down: {} is anybody's.
    UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = of RETURNING f.facts_version INTO now_facts;
    -- What was decided before the fence was ours may be about this one too; the next try tells its admin so.
    IF EXISTS (SELECT FROM interactions i WHERE i.project = of AND i.closed_ms IS NULL
                                            AND (i.customer = ANY (all_ids) OR i.candidates && all_ids)) THEN
        RAISE EXCEPTION 'an interaction of this customer has just begun' USING ERRCODE = 'serialization_failure';
    END IF;
    UPDATE erasures e
    SET last_seq = f.journal_seq,
        interactions = ARRAY(SELECT i.id FROM interactions i WHERE i.customer = ANY (all_ids) AND i.closed_ms IS NOT NULL)
    FROM fences f WHERE f.project = of AND e.customer = erased;
    IF to_regclass('datasheets') IS NOT NULL THEN
        EXECUTE 'DELETE FROM datasheets d USING erasures e WHERE e.customer = $1 AND d.interaction = ANY (e.interactions)'
            USING erased;
    END IF;
    INSERT INTO changes (project, version, kind, ref, keys) VALUES (of, now_facts, 'customer', erased, '{}');
    UPDATE changes c SET keys = '{}' WHERE c.project = of AND c.keys && all_keys;
    DELETE FROM duplicates d WHERE d.project = of AND d.key = ANY (all_keys)
        AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of AND (k.phone_key = d.key OR k.email_key = d.key));
    FOR b IN SELECT x.id FROM blacklist x WHERE x.project = of AND x.key = ANY (all_keys) AND x.kind IN ('phone', 'email')
                                            AND NOT EXISTS (SELECT FROM contacts k WHERE k.project = of
                                                            AND (k.phone_key = x.key OR k.email_key = x.key)) LOOP
        PERFORM lift_blocks(of, ARRAY[b], actor_of(by_role, by_agent), now_ms);
        UPDATE blacklist x SET key = '?', value = NULL, reason = NULL WHERE x.id = b;
    END LOOP;
    UPDATE blacklist x SET reason = NULL WHERE x.customer = ANY (all_ids);
    PERFORM pg_notify('patchbay', 'facts:' || p.name) FROM projects p WHERE p.id = of;
    RETURN QUERY SELECT 'ok', json_build_object('customer', erased, 'done', false)::text, NULL;
END
$$;

-- Empties the content of the person in the next `page` rows of the journal. A row that is of somebody else who has the same key stays.
CREATE FUNCTION erase_content(of integer, erased uuid, page bigint)
    RETURNS TABLE (done boolean, emptied bigint) LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
DECLARE
    e erasures;
    n bigint;
BEGIN
    SELECT x.* INTO e FROM erasures x WHERE x.project = of AND x.customer = erased FOR UPDATE;
    IF e.customer IS NULL THEN
        RETURN QUERY SELECT true, 0::bigint;
        RETURN;
    END IF;
    UPDATE content k
    SET phone = NULL, email = NULL, party_id = NULL, name = NULL, recipient = NULL, phone_key = NULL, email_key = NULL,
        source = NULL, subject = NULL, title = NULL, body = NULL, attributes = NULL, fields = NULL
    FROM journal j
    WHERE k.project = of AND k.seq >= e.next_seq AND k.seq < e.next_seq + page AND k.seq <= e.last_seq
      AND j.project = of AND j.seq = k.seq AND j.at_ms = k.at_ms AND j.seq >= e.next_seq AND j.seq < e.next_seq + page
      AND k.subject IS NOT NULL -- else it is empty already
      AND (j.interaction = ANY (e.interactions)
           OR ((k.phone_key = ANY (e.keys) OR k.email_key = ANY (e.keys) OR k.phone = ANY (e.keys) OR k.email = ANY (e.keys)
                OR k.recipient = ANY (e.keys))
               AND NOT EXISTS (SELECT FROM interactions i WHERE i.id = j.interaction
                               AND (i.closed_ms IS NULL OR (i.customer IS NOT NULL AND i.customer <> ALL (e.ids))))));
    GET DIAGNOSTICS n = ROW_COUNT;
    -- Fields of somebody among several candidates.
    UPDATE content k SET fields = NULL
    FROM journal j
    WHERE k.project = of AND k.seq >= e.next_seq AND k.seq < e.next_seq + page AND k.seq <= e.last_seq AND k.fields IS NOT NULL
      AND j.project = of AND j.seq = k.seq AND j.at_ms = k.at_ms AND j.seq >= e.next_seq AND j.seq < e.next_seq + page
      AND EXISTS (SELECT FROM unnest(e.ids) x (id) WHERE position(uuid_send(x.id) IN j.facts) > 0);
    IF e.next_seq + page > e.last_seq THEN
        DELETE FROM erasures x WHERE x.customer = erased;
        RETURN QUERY SELECT true, e.emptied + n;
    ELSE
        UPDATE erasures x SET next_seq = e.next_seq + page, emptied = e.emptied + n WHERE x.customer = erased;
        RETURN QUERY SELECT false, e.emptied + n;
    END IF;
END
$$;

-- --- Imports ---

CREATE TABLE imports (
    id          uuid PRIMARY KEY,
    project     integer NOT NULL,
    actor       text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    dry_run     boolean NOT NULL,
    header      text NOT NULL DEFAULT '',  -- the first line of the CSV of its errors
    rows        bigint NOT NULL DEFAULT 0,
    created     bigint NOT NULL DEFAULT 0,
    changed     bigint NOT NULL DEFAULT 0,
    unchanged   bigint NOT NULL DEFAULT 0,
    failed      bigint NOT NULL DEFAULT 0,
    detail      text,                      -- why it failed
    started_ms  bigint NOT NULL,
    updated_ms  bigint NOT NULL
);
CREATE INDEX imports_project ON imports (project, id);

-- Rows that were not taken, as CSV. They go a week after the import began.
CREATE TABLE import_errors (
    import uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
    n      bigint NOT NULL,
    line   text NOT NULL,
    PRIMARY KEY (import, n)
);

-- Which customer a row is about: the id, the external id, or else whoever has one of its contacts and is seen. Two of them: nobody
-- knows. A row with an external id takes by contact only whom none was given yet.
CREATE FUNCTION import_target(v viewer, item jsonb, OUT target uuid, OUT matches integer) LANGUAGE plpgsql STABLE
    SET enable_seqscan = off AS $$
DECLARE
    ids uuid[];
BEGIN
    matches := 0;
    IF item ? 'id' THEN
        SELECT c.id INTO target FROM customers c
        WHERE c.id = merged_target((item ->> 'id')::uuid) AND c.project = v.project AND c.deleted_at IS NULL;
    END IF;
    IF target IS NULL AND item ? 'external_id' THEN
        SELECT c.id INTO target FROM customers c
        WHERE c.project = v.project AND c.external_id = item ->> 'external_id' AND c.deleted_at IS NULL;
        IF target IS NULL THEN
            SELECT c.id INTO target FROM customers m JOIN customers c ON c.id = merged_target(m.id)
            WHERE m.project = v.project AND m.external_id = item ->> 'external_id' AND m.merged_into IS NOT NULL
              AND c.deleted_at IS NULL LIMIT 1;
        END IF;
    END IF;
    IF target IS NOT NULL THEN
        matches := 1;
        RETURN;
    END IF;
    ids := ARRAY(
        SELECT c.id FROM customers c
        WHERE c.id IN (SELECT k.customer FROM jsonb_array_elements(item -> 'contacts') x JOIN contacts k
                           ON k.project = v.project AND k.phone_key = x ->> 'phone_key'
                       UNION ALL
                       SELECT k.customer FROM jsonb_array_elements(item -> 'contacts') x JOIN contacts k
                           ON k.project = v.project AND k.email_key = x ->> 'email_key')
          AND c.deleted_at IS NULL AND (NOT item ? 'external_id' OR c.external_id IS NULL) AND right_on(v, c) >= 1
        LIMIT 2);
    matches := cardinality(ids);
    target := ids[1];
END
$$;

-- One row of an import: what became of it, or a problem code and a sentence.
CREATE FUNCTION import_row(v viewer, args jsonb, item jsonb, n bigint, OUT status text, OUT detail text, OUT touched uuid)
    LANGUAGE plpgsql AS $$
DECLARE
    was      customers;
    now_is   customers;
    matches    integer;
    had      jsonb;
    has      jsonb;
    theirs   uuid;
    new_stage text;
    new_owner text;
BEGIN
    SELECT t.target, t.matches INTO theirs, matches FROM import_target(v, item) t;
    IF matches > 1 THEN
        status := 'invalid';
        detail := 'several customers have its contacts; say which by id or external_id';
        RETURN;
    END IF;
    IF matches = 1 THEN
        -- A statement of its own sees the row as it is once it is ours.
        SELECT c.* INTO was FROM customers c WHERE c.id = theirs AND c.deleted_at IS NULL FOR UPDATE;
        IF was.id IS NULL OR right_on(v, was) < 2 THEN
            status := CASE WHEN right_on(v, was) >= 1 THEN 'forbidden' ELSE 'already_taken' END;
            detail := CASE WHEN right_on(v, was) >= 1 THEN 'you may see this customer but not edit it'
                           ELSE 'another record has this external_id' END;
            RETURN;
        END IF;
    ELSIF NOT item ? 'external_id' AND jsonb_array_length(item -> 'contacts') = 0 THEN
        status := 'invalid';
        detail := 'needs an external_id, a phone or an email, or it would be created anew each time';
        RETURN;
    END IF;
    SELECT m.stage, m.owner, m.fault INTO new_stage, new_owner, detail
    FROM stage_move(CASE WHEN matches = 1 THEN was.stage ELSE '' END, was.owner, item, v.agent) m;
    IF detail IS NOT NULL THEN
        status := 'invalid';
        RETURN;
    END IF;
    had := CASE WHEN matches = 1 THEN contact_rows(was.id) ELSE '[]' END;
    has := contacts_joined(had, item -> 'contacts');
    IF has <> had THEN
        detail := contacts_over(v.project, has);
        IF detail IS NOT NULL THEN
            status := 'contact_limit';
            RETURN;
        END IF;
    END IF;
    IF matches = 0 THEN
        SELECT format('fields.%s is required', f.key) INTO detail
        FROM customer_settings s, jsonb_each(s.settings -> 'fields') f
        WHERE s.project = v.project AND f.value -> 'required' = 'true' AND NOT coalesce(item -> 'fields', '{}') ? f.key LIMIT 1;
        IF detail IS NOT NULL THEN
            status := 'invalid';
            RETURN;
        END IF;
        now_is.id := make_id((args ->> 'now_ms')::bigint, n);
        INSERT INTO customers AS c (id, project, name, real_name, company, external_id, stage, owner, service_rep, source, tags, fields,
                                    created_by)
        VALUES (now_is.id, v.project, coalesce(item ->> 'name', ''), item ->> 'real_name', item ->> 'company', item ->> 'external_id',
                new_stage, new_owner, item ->> 'service_rep', item ->> 'source',
                ARRAY(SELECT jsonb_array_elements_text(item -> 'tags')), coalesce(item -> 'fields', '{}'), v.agent)
        ON CONFLICT DO NOTHING RETURNING c.* INTO now_is;
        IF now_is.version IS NULL THEN
            status := 'already_taken';
            detail := 'somebody else created a record with this external_id meanwhile; send the row again';
            RETURN;
        END IF;
        status := 'created';
    ELSE
        now_is := was;
        now_is.name := coalesce(item ->> 'name', was.name);
        now_is.real_name := coalesce(item ->> 'real_name', was.real_name);
        now_is.company := coalesce(item ->> 'company', was.company);
        now_is.external_id := coalesce(item ->> 'external_id', was.external_id);
        now_is.stage := new_stage;
        now_is.owner := new_owner;
        now_is.service_rep := coalesce(item ->> 'service_rep', was.service_rep);
        now_is.source := coalesce(item ->> 'source', was.source);
        now_is.tags := was.tags || ARRAY(SELECT t.tag FROM jsonb_array_elements_text(item -> 'tags') WITH ORDINALITY t (tag, n)
                                         WHERE t.tag <> ALL (was.tags) ORDER BY t.n);
        -- A cell is text; what reads the same keeps its type.
        now_is.fields := was.fields || coalesce((SELECT jsonb_object_agg(f.key, f.value) FROM jsonb_each(item -> 'fields') f
                                                 WHERE was.fields ->> f.key IS DISTINCT FROM f.value #>> '{}'), '{}');
        IF cardinality(now_is.tags) > 64 OR octet_length(now_is.fields::text) > 16384 THEN
            status := 'invalid';
            detail := 'with what it has already the customer would have too many tags or fields';
            RETURN;
        END IF;
        IF now_is IS NOT DISTINCT FROM was AND has = had THEN
            status := 'unchanged';
            RETURN;
        END IF;
        SELECT c.id INTO theirs FROM customers c
        WHERE c.project = v.project AND c.external_id = now_is.external_id AND c.deleted_at IS NULL AND c.id <> was.id;
        IF theirs IS NOT NULL THEN
            status := 'already_taken';
            detail := 'another record has this external_id';
            RETURN;
        END IF;
        UPDATE customers c
        SET name = now_is.name, real_name = now_is.real_name, company = now_is.company, external_id = now_is.external_id,
            stage = now_is.stage, owner = now_is.owner, service_rep = now_is.service_rep, source = now_is.source,
            tags = now_is.tags, fields = now_is.fields, version = c.version + 1, updated_at = now()
        WHERE c.id = was.id;
        status := 'changed';
    END IF;
    INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
    SELECT now_is.id, line.n - 1, v.project, x ->> 'label', x ->> 'phone', x ->> 'email', x ->> 'phone_key', x ->> 'email_key'
    FROM jsonb_array_elements(has) WITH ORDINALITY line (x, n)
    WHERE line.n > jsonb_array_length(had);
    PERFORM log_customer(v.project, v.role, v.agent, args, now_is.id, 'Import customer',
                         customer_changes(was, now_is, CASE WHEN matches = 1 THEN contacts_shown(had) END, contacts_shown(has)));
    touched := now_is.id;
END
$$;

-- {rows, dry_run}: counts, and [{row, status, detail}] of those that were not taken. A dry run does it all and takes it back.
CREATE FUNCTION import_rows(of integer, by_role text, by_agent text, args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v         viewer := viewer_of(of, by_role, by_agent);
    one       record;
    became    record;
    moved     uuid[] := '{}';
    created   integer := 0;
    changed   integer := 0;
    unchanged integer := 0;
    faults    jsonb := '[]';
BEGIN
    BEGIN
        FOR one IN SELECT x.item, x.n FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY x (item, n) LOOP
            became := import_row(v, args - 'rows', one.item, one.n);
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
    END;
    PERFORM facts_moved(of, moved, '{}');
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults);
END
$$;

-- Whoever worked on it is gone.
CREATE FUNCTION is_lost(i imports) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT i.state = 'running' AND i.updated_ms < now_ms() - 60000
$$;

-- {after, stage, owner, source, tag, limit}: the next customers of an export, in the order of their ids.
CREATE FUNCTION export_page(of integer, by_role text, by_agent text, args jsonb) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
    SELECT c.id FROM customers c, viewer_of(of, by_role, by_agent) v
    WHERE c.project = of AND c.deleted_at IS NULL AND right_on(v, c) >= 1
      AND c.id > coalesce((args ->> 'after')::uuid, '00000000-0000-0000-0000-000000000000')
      AND (NOT args ? 'stage' OR c.stage = args ->> 'stage') AND (NOT args ? 'owner' OR c.owner = args ->> 'owner')
      AND (NOT args ? 'source' OR c.source = args ->> 'source') AND (NOT args ? 'tag' OR c.tags @> ARRAY[args ->> 'tag'])
    ORDER BY c.id LIMIT (args ->> 'limit')::integer
$$;

CREATE FUNCTION import_json(i imports) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('id', i.id, 'state', CASE WHEN is_lost(i) THEN 'failed' ELSE i.state END, 'dry_run', i.dry_run, 'actor', i.actor, 'rows', i.rows,
        'created', i.created, 'changed', i.changed, 'unchanged', i.unchanged, 'failed', i.failed,
        'detail', CASE WHEN is_lost(i) THEN 'it stopped: send the file again' ELSE i.detail END, 'started_at', time_text(i.started_ms), 'updated_at', time_text(i.updated_ms))
$$;

GRANT SELECT ON customer_merges, duplicates, erasures, imports, import_errors TO patchbay_server;
GRANT INSERT, UPDATE ON customer_merges, imports TO patchbay_server;
GRANT INSERT ON import_errors TO patchbay_server;
GRANT DELETE ON imports TO patchbay_server;
REVOKE EXECUTE ON FUNCTION contact_rows, contact_text, contacts_joined, contacts_over, contacts_shown, copy_blocks, drop_follows,
    delete_customers, duplicate_customers, erase_content, erase_customer, export_page, import_json, import_row, import_rows,
    import_target, is_lost, keys_of, lift_blocks, log_customer, make_id, merge_customers, merged_ids, merged_target,
    move_follows, note_duplicates, now_ms, put_contacts, unmerge_customers
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION contact_rows, contact_text, contacts_joined, contacts_over, contacts_shown, copy_blocks, drop_follows,
    delete_customers, duplicate_customers, erase_content, erase_customer, export_page, import_json, import_row, import_rows,
    import_target, is_lost, keys_of, lift_blocks, log_customer, make_id, merge_customers, merged_ids, merged_target, move_follows, now_ms,
    put_contacts, unmerge_customers
    TO patchbay_server;

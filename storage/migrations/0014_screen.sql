-- Contacts one by one, sharing, custom fields, and what an agent's screen shows: docs/customers.md, docs/screen.md.

-- --- Contacts, one at a time ---

-- {customer, version, position, contact {label, phone, phone_key, email, email_key}, contacts_max, phone_slots, origin}: without
-- `position` one is added, without `contact` it is removed and those behind it move up. The customer's row is locked first, so what
-- is counted holds until the commit.
CREATE FUNCTION change_contact(of integer, by_role text, by_agent text, args jsonb,
                               OUT outcome text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    target uuid := (args ->> 'customer')::uuid;
    given jsonb := args -> 'contact';
    at integer := (args ->> 'position')::integer;
    was customers;
    now_is customers;
    line contacts;
    may integer;
    have integer;
    phones integer;
    old_contacts json;
    old_keys text[];
BEGIN
    SELECT c.* INTO was FROM customers c
    WHERE c.project = of AND c.id = target AND c.deleted_at IS NULL FOR UPDATE;
    may := CASE WHEN FOUND THEN right_on(viewer_of(of, by_role, by_agent), was) ELSE 0 END;
    SELECT count(*), count(k.phone) INTO have, phones FROM contacts k WHERE k.customer = target;
    old_contacts := contacts_json(target);
    old_keys := ARRAY(SELECT key FROM contacts k, LATERAL (VALUES (k.phone_key), (k.email_key)) v (key)
                      WHERE k.customer = target AND key IS NOT NULL);
    IF may < 1 THEN
        outcome := 'not_found'; body := 'there is no such customer';
    ELSIF may < 2 THEN
        outcome := 'forbidden'; body := 'you may see this customer but not edit it';
    ELSIF (args ->> 'version')::bigint <> was.version THEN
        outcome := 'already_taken'; body := format('the customer is at version %s', was.version); pointer := '/version';
    ELSIF at >= have THEN
        outcome := 'not_found'; body := 'there is no such contact';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;

    IF given IS NULL THEN
        DELETE FROM contacts k WHERE k.customer = target AND k.position = at;
        FOR i IN at + 1 .. have - 1 LOOP
            UPDATE contacts k SET position = i - 1 WHERE k.customer = target AND k.position = i;
        END LOOP;
    ELSE
        SELECT k.* INTO line FROM contacts k WHERE k.customer = target AND k.position = at;
        IF line.phone IS NULL AND given ->> 'phone' IS NOT NULL AND phones >= (args ->> 'phone_slots')::integer THEN
            outcome := 'contact_limit';
            body := format('a customer has at most %s contacts with a phone', args ->> 'phone_slots');
        ELSIF at IS NULL AND have >= (args ->> 'contacts_max')::integer THEN
            outcome := 'contact_limit';
            body := format('a customer has at most %s contacts', args ->> 'contacts_max');
        ELSIF coalesce(CASE WHEN given ? 'phone' THEN given ->> 'phone' ELSE line.phone END,
                       CASE WHEN given ? 'email' THEN given ->> 'email' ELSE line.email END) IS NULL THEN
            outcome := 'invalid'; body := 'a contact must have a phone or an email';
        END IF;
        IF outcome IS NOT NULL THEN
            RETURN;
        END IF;
        INSERT INTO contacts AS k (customer, position, project, label, phone, email, phone_key, email_key)
        VALUES (target, coalesce(at, have), of, given ->> 'label', given ->> 'phone', given ->> 'email',
                given ->> 'phone_key', given ->> 'email_key')
        ON CONFLICT (customer, position) DO UPDATE
        SET label = CASE WHEN given ? 'label' THEN excluded.label ELSE k.label END,
            phone = CASE WHEN given ? 'phone' THEN excluded.phone ELSE k.phone END,
            phone_key = CASE WHEN given ? 'phone' THEN excluded.phone_key ELSE k.phone_key END,
            email = CASE WHEN given ? 'email' THEN excluded.email ELSE k.email END,
            email_key = CASE WHEN given ? 'email' THEN excluded.email_key ELSE k.email_key END;
    END IF;

    UPDATE customers c SET version = c.version + 1, updated_at = now() WHERE c.id = target RETURNING c.* INTO now_is;
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    VALUES (of, target, (args ->> 'now_ms')::bigint, 'Edit customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
            customer_changes(was, now_is, old_contacts, contacts_json(target)));
    outcome := CASE WHEN at IS NULL THEN 'created' ELSE 'ok' END;
    body := customer_json(now_is, contacts_json(target))::text;
    PERFORM facts_moved(of, ARRAY[target], old_keys);
END
$$;

-- --- Sharing ---

-- Whom a customer is shared with, by name.
CREATE FUNCTION shares_json(of uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_object_agg(kinds.plural, names.list)
    FROM (VALUES ('agent', 'agents'), ('role', 'roles'), ('department', 'departments')) kinds (kind, plural),
         LATERAL (SELECT coalesce(jsonb_agg(s.name ORDER BY s.name), '[]') AS list
                  FROM shares s WHERE s.customer = of AND s.kind = kinds.kind) names
$$;

-- The names of a call: {agents, roles, departments}, each a list.
CREATE FUNCTION shares_named(args jsonb) RETURNS TABLE (kind text, item jsonb, pointer text) LANGUAGE sql IMMUTABLE AS $$
    SELECT kinds.kind, line.item, format('/%s/%s', kinds.plural, line.n - 1)
    FROM (VALUES ('agent', 'agents'), ('role', 'roles'), ('department', 'departments')) kinds (kind, plural),
         LATERAL jsonb_array_elements(args -> kinds.plural) WITH ORDINALITY line (item, n)
    ORDER BY kinds.plural, line.n
$$;

-- The first name that is none, or that nobody in the project has. What is shared may be cancelled, whoever has left since.
CREATE FUNCTION shares_fault(of integer, args jsonb, cancels boolean, OUT detail text, OUT pointer text) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN jsonb_typeof(named.item) <> 'string' THEN 'must be a string'
                ELSE format('there is no such %s', named.kind) END, named.pointer
    FROM shares_named(args) named
    WHERE jsonb_typeof(named.item) <> 'string'
       OR NOT CASE named.kind
           WHEN 'agent' THEN EXISTS (SELECT FROM agents a WHERE a.project = of AND a.name = named.item #>> '{}' AND a.active)
           WHEN 'role' THEN named.item #>> '{}' IN ('agent', 'supervisor', 'pool_admin', 'admin')
           ELSE EXISTS (SELECT FROM agents a WHERE a.project = of AND a.department = named.item #>> '{}' AND a.active)
       END AND NOT (cancels AND EXISTS (SELECT FROM shares s WHERE s.project = of AND s.kind = named.kind AND s.name = named.item #>> '{}'))
    LIMIT 1
$$;

-- `operation` is the log's name of it and says what is done; {customer} or {customers}, {agents, roles, departments, all}. Customers
-- are locked by id, so that two batches do not wait for each other in a ring.
CREATE FUNCTION share_customers(of integer, by_role text, by_agent text, args jsonb, operation text,
                                OUT outcome text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    shares_max constant integer := 1000; -- of one customer: as many as a page holds
    cancels boolean := operation = 'Batch Cancel Share customer';
    given jsonb := coalesce(args -> 'customers', jsonb_build_array(args -> 'customer'));
    v viewer := viewer_of(of, by_role, by_agent);
    c customers;
    old_shares jsonb;
    new_shares jsonb;
    status text;
    done jsonb := '{}';
    result jsonb;
BEGIN
    SELECT 'invalid', fault.detail, fault.pointer INTO outcome, body, pointer
    FROM shares_fault(of, args, cancels) fault WHERE fault.detail IS NOT NULL;
    IF outcome IS NULL AND cancels AND coalesce(args -> 'all' = 'true', false) = EXISTS (SELECT FROM shares_named(args)) THEN
        outcome := 'invalid'; body := 'needs all, or agents, roles and departments: one of them';
    ELSIF outcome IS NULL AND NOT cancels AND NOT EXISTS (SELECT FROM shares_named(args)) THEN
        outcome := 'invalid'; body := 'names nobody: agents, roles or departments are required';
    END IF;
    IF outcome IS NOT NULL THEN
        RETURN;
    END IF;

    FOR c IN SELECT k.* FROM customers k
             WHERE k.project = of AND k.id IN (SELECT i::uuid FROM jsonb_array_elements_text(given) i) AND k.deleted_at IS NULL
             ORDER BY k.id FOR UPDATE
    LOOP
        status := CASE right_on(v, c) WHEN 0 THEN NULL WHEN 1 THEN 'forbidden' ELSE 'ok' END;
        CONTINUE WHEN status IS NULL;
        IF status = 'ok' THEN
            old_shares := shares_json(c.id);
            IF cancels THEN
                DELETE FROM shares s WHERE s.customer = c.id
                    AND (args -> 'all' = 'true'
                         OR (s.kind, s.name) IN (SELECT named.kind, named.item #>> '{}' FROM shares_named(args) named));
            ELSIF (SELECT count(*) FROM (SELECT s.kind, s.name FROM shares s WHERE s.customer = c.id
                                         UNION SELECT named.kind, named.item #>> '{}' FROM shares_named(args) named) k) > shares_max THEN
                status := 'invalid';
            ELSE
                INSERT INTO shares (project, customer, kind, name, shared_by, at_ms)
                SELECT DISTINCT of, c.id, named.kind, named.item #>> '{}', actor_of(by_role, by_agent), (args ->> 'now_ms')::bigint
                FROM shares_named(args) named
                ON CONFLICT DO NOTHING;
            END IF;
            new_shares := shares_json(c.id);
            IF new_shares <> old_shares THEN
                INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
                VALUES (of, c.id, (args ->> 'now_ms')::bigint, operation, actor_of(by_role, by_agent), by_role, args -> 'origin',
                        jsonb_build_array(jsonb_build_object('field', 'shares', 'old', old_shares, 'new', new_shares)));
            END IF;
        END IF;
        done := done || jsonb_build_object(c.id, jsonb_strip_nulls(jsonb_build_object(
            'customer', c.id, 'status', status,
            'detail', CASE status WHEN 'forbidden' THEN 'you may see this customer but not edit it'
                                  WHEN 'invalid' THEN format('a customer is shared with at most %s', shares_max) END)));
    END LOOP;

    SELECT jsonb_agg(coalesce(done -> lower(i), jsonb_build_object('customer', i, 'status', 'not_found',
                                                                   'detail', 'there is no such customer')) ORDER BY n)
    INTO result FROM jsonb_array_elements_text(given) WITH ORDINALITY line (i, n);
    outcome := 'ok';
    body := result::text;
    IF args ? 'customer' THEN
        outcome := result #>> '{0,status}';
        body := CASE outcome WHEN 'ok' THEN (jsonb_build_object('customer', args -> 'customer') || new_shares)::text
                             ELSE result #>> '{0,detail}' END;
    END IF;
END
$$;

-- --- Indexed custom fields ---

-- An index of every project's own fields, without any DDL: customers by (project, field, value), in the order of their ids, so that a
-- page of those with a value is read as it lies there. A trigger keeps it; a field that is newly asked for is filled in small
-- transactions of the project's owner, off the path of events (server/field_index.c), and one that is no longer asked for goes the
-- same way.
CREATE TABLE field_indexes (
    project   integer NOT NULL,
    field     text NOT NULL,
    is_wanted boolean NOT NULL DEFAULT true,
    since     xid8 NOT NULL DEFAULT pg_current_xact_id(), -- older transactions did not know of it: they must have ended first
    filled_to uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    is_ready  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project, field)
);
CREATE TABLE field_values (
    project  integer NOT NULL,
    field    text NOT NULL,
    value    text NOT NULL, -- as ->> gives it, in the canonical form of its type
    customer uuid NOT NULL,
    PRIMARY KEY (project, field, value, customer)
);
CREATE INDEX field_values_customer ON field_values (customer);

CREATE FUNCTION take_field_indexes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = patchbay, pg_temp AS $$
DECLARE
    asked text[] := ARRAY(SELECT f.key FROM jsonb_each(coalesce(new.settings -> 'fields', '{}')) f
                          WHERE f.value -> 'indexed' = 'true');
BEGIN
    UPDATE field_indexes x SET is_wanted = false, is_ready = false
    WHERE x.project = new.project AND x.is_wanted AND x.field <> ALL (asked);
    INSERT INTO field_indexes AS x (project, field) SELECT new.project, unnest(asked)
    ON CONFLICT (project, field) DO UPDATE
    SET is_wanted = true, since = excluded.since, filled_to = excluded.filled_to WHERE NOT x.is_wanted;
    RETURN NULL;
END
$$;
CREATE TRIGGER customer_settings_field_indexes AFTER INSERT OR UPDATE ON customer_settings
    FOR EACH ROW EXECUTE FUNCTION take_field_indexes();

-- Longer ones were there before the field was declared: an equality that they could meet is none.
CREATE FUNCTION add_field_values(of integer, id uuid, fields jsonb) RETURNS void LANGUAGE sql AS $$
    INSERT INTO field_values (project, field, value, customer)
    SELECT of, x.field, fields ->> x.field, id FROM field_indexes x
    WHERE x.project = of AND x.is_wanted AND octet_length(fields ->> x.field) <= 256
    ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION keep_field_values() RETURNS trigger LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM field_values v WHERE v.customer = new.id;
    END IF;
    IF new.deleted_at IS NULL THEN
        PERFORM add_field_values(new.project, new.id, new.fields);
    END IF;
    RETURN NULL;
END
$$;
-- What routing creates has no fields, and pays nothing.
CREATE TRIGGER customers_field_values_new AFTER INSERT ON customers
    FOR EACH ROW WHEN (new.fields <> '{}') EXECUTE FUNCTION keep_field_values();
CREATE TRIGGER customers_field_values AFTER UPDATE OF fields, deleted_at ON customers
    FOR EACH ROW WHEN (old.fields IS DISTINCT FROM new.fields OR old.deleted_at IS DISTINCT FROM new.deleted_at)
    EXECUTE FUNCTION keep_field_values();

-- One small step of what is to be filled or emptied; `page` customers at most. 0: all is done, 1: there is more, 2: transactions that
-- may not know of a field have still to end.
CREATE FUNCTION fill_field_indexes(of integer, page integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    x field_indexes;
    last uuid;
    seen integer := 0;
    c customers;
BEGIN
    SELECT i.* INTO x FROM field_indexes i WHERE i.project = of AND NOT i.is_ready ORDER BY i.is_wanted, i.field LIMIT 1 FOR UPDATE;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    IF NOT x.is_wanted THEN
        DELETE FROM field_values v WHERE (v.project, v.field, v.value, v.customer) IN (
            SELECT w.project, w.field, w.value, w.customer FROM field_values w WHERE w.project = of AND w.field = x.field LIMIT page);
        IF NOT FOUND THEN
            DELETE FROM field_indexes i WHERE i.project = of AND i.field = x.field;
        END IF;
        RETURN 1;
    END IF;
    IF pg_snapshot_xmin(pg_current_snapshot()) <= x.since THEN
        RETURN 2;
    END IF;
    FOR c IN SELECT k.* FROM customers k WHERE k.id > x.filled_to AND k.project = of ORDER BY k.id LIMIT page FOR SHARE LOOP
        seen := seen + 1;
        last := c.id;
        IF c.deleted_at IS NULL AND octet_length(c.fields ->> x.field) <= 256 THEN
            INSERT INTO field_values (project, field, value, customer) VALUES (of, x.field, c.fields ->> x.field, c.id)
            ON CONFLICT DO NOTHING;
        END IF;
    END LOOP;
    UPDATE field_indexes i SET filled_to = coalesce(last, i.filled_to), is_ready = seen < page
    WHERE i.project = of AND i.field = x.field;
    RETURN 1;
END
$$;

GRANT SELECT, INSERT, DELETE ON field_values TO patchbay_server;
GRANT SELECT, UPDATE, DELETE ON field_indexes TO patchbay_server;
REVOKE EXECUTE ON FUNCTION change_contact(integer, text, text, jsonb), shares_json(uuid), shares_named(jsonb),
    shares_fault(integer, jsonb, boolean), share_customers(integer, text, text, jsonb, text),
    take_field_indexes(), add_field_values(integer, uuid, jsonb), keep_field_values(),
    fill_field_indexes(integer, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION change_contact(integer, text, text, jsonb), shares_json(uuid), shares_named(jsonb),
    shares_fault(integer, jsonb, boolean), share_customers(integer, text, text, jsonb, text),
    add_field_values(integer, uuid, jsonb), keep_field_values(), fill_field_indexes(integer, integer) TO patchbay_server;

-- --- The interaction's customer, scripts and datasheets ---

-- Each time somebody said whom an interaction is about; written with the decision's own commit.
CREATE TABLE interaction_customers (
    project     integer NOT NULL,
    interaction uuid NOT NULL,
    seq         bigint NOT NULL, -- of the journal
    at_ms       bigint NOT NULL,
    actor       text NOT NULL,
    before      uuid,
    after       uuid NOT NULL,
    PRIMARY KEY (interaction, seq)
);
CREATE TABLE datasheets (
    project     integer NOT NULL,
    interaction uuid NOT NULL,
    name        text NOT NULL,
    fields      jsonb NOT NULL,
    updated_by  text NOT NULL,
    updated_ms  bigint NOT NULL,
    PRIMARY KEY (interaction, name)
);

-- The first of the project's scripts, by name, that is for this queue or for all.
CREATE FUNCTION script_of(of integer, queue text) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('name', script.key, 'text', script.value -> 'text')
    FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'scripts', '{}')) script
    WHERE s.project = of AND (coalesce(script.value -> 'queues', 'null') = 'null' OR script.value -> 'queues' ? queue)
    ORDER BY coalesce(script.value -> 'queues', 'null') = 'null', script.key LIMIT 1
$$;

CREATE FUNCTION datasheet_json(d datasheets) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object('interaction', d.interaction, 'name', d.name, 'fields', d.fields, 'updated_by', d.updated_by,
                             'updated_at', time_text(d.updated_ms))
$$;

-- Whoever holds the interaction, or held it last, fills in its datasheets, and so do supervisors and admins; who may view its
-- customer reads them. No row: there is no such interaction.
CREATE FUNCTION datasheet_place(of integer, by_role text, by_agent text, args jsonb, OUT may_read boolean, OUT may_write boolean)
    LANGUAGE sql STABLE AS $$
    SELECT may.write OR coalesce(
               (SELECT right_on(v, c) >= 1 FROM viewer_of(of, by_role, by_agent) v, customers c
                WHERE c.id = i.customer AND c.deleted_at IS NULL), false), may.write
    FROM (SELECT (args ->> 'interaction')::uuid AS id) asked
         LEFT JOIN interactions i ON i.id = asked.id AND i.project = of,
         LATERAL (SELECT i.id IS NOT NULL
                         AND (by_role IN ('supervisor', 'admin') OR coalesce(i.state >= 2 AND i.agent = by_agent, false)) AS write) may
$$;

GRANT SELECT, INSERT ON interaction_customers TO patchbay_server;
GRANT SELECT, INSERT, UPDATE ON datasheets TO patchbay_server;
REVOKE EXECUTE ON FUNCTION script_of(integer, text), datasheet_json(datasheets),
    datasheet_place(integer, text, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION script_of(integer, text), datasheet_json(datasheets),
    datasheet_place(integer, text, text, jsonb) TO patchbay_server;

-- What changes many customers takes its locks in one order: customers by id, turns, members by pool and name, the fence last; and
-- an import has the fence for a moment only (docs/import-export.md).

-- The members whose counts change when each of `ids` goes to the agent at its place, or, without names, to nobody.
-- Their pools before them, as everywhere.
CREATE FUNCTION lock_members(ids uuid[], names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM pools p
    WHERE p.id IN (SELECT unnest(ARRAY[c.home_pool, c.pool]) FROM customers c WHERE c.id = ANY (ids))
    ORDER BY p.id FOR KEY SHARE;
    PERFORM FROM pool_members m
    WHERE (m.pool, m.agent) IN (SELECT c.home_pool, c.owner FROM customers c WHERE c.id = ANY (ids)
                                UNION ALL
                                SELECT coalesce(c.pool, c.home_pool), i.name
                                FROM unnest(ids, names) i (id, name) JOIN customers c ON c.id = i.id)
    ORDER BY m.pool, m.agent FOR UPDATE;
END
$$;

-- Gives each of `ids`, which are locked, to the agent at its place. The facts are the caller's to move.
CREATE OR REPLACE FUNCTION give_customers(of integer, ids uuid[], names text[], args jsonb, by_role text, by_agent text)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_members(ids, names);
    WITH given AS (
        SELECT i.id, i.name, c AS was FROM unnest(ids, names) i (id, name) JOIN customers c ON c.id = i.id
    ), done AS (
        UPDATE customers c
        SET owner = given.name, stage = stage_of(given.name, by_agent), version = c.version + 1, updated_at = now()
        FROM given WHERE c.id = given.id RETURNING c.id, given.was, c AS is_now
    )
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT of, id, (args ->> 'now_ms')::bigint, 'Assign customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
           customer_changes(was, is_now, NULL, NULL)
    FROM done;
END
$$;

-- Marks those of `ids` that the caller may delete; one row for each, in their order.
CREATE OR REPLACE FUNCTION delete_customers(of integer, by_role text, by_agent text, args jsonb, ids uuid[], operation text)
    RETURNS TABLE (customer uuid, status text, detail text) LANGUAGE plpgsql AS $$
DECLARE
    v viewer := viewer_of(of, by_role, by_agent);
    gone uuid[];
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    PERFORM lock_members(ids, '{}');
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

-- --- Imports ---

-- A chunk of an import notes its duplicates itself, in one statement: a question for each row would keep the fence, and with it
-- every decision, for all of them.
DROP TRIGGER contacts_note_duplicates ON contacts;
CREATE CONSTRAINT TRIGGER contacts_note_duplicates AFTER INSERT OR UPDATE OF phone_key, email_key ON contacts
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (current_setting('patchbay.notes_duplicates', true) IS DISTINCT FROM 'itself') EXECUTE FUNCTION note_duplicates();

-- With the fence in hand.
CREATE FUNCTION note_duplicates_of(of integer, ids uuid[]) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = patchbay, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
    INSERT INTO duplicates (project, kind, key, since_ms)
    SELECT DISTINCT of, 'phone', k.phone_key, now_ms() FROM contacts k
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.phone_key = k.phone_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
    UNION ALL
    SELECT DISTINCT of, 'email', k.email_key, now_ms() FROM contacts k
    WHERE k.customer = ANY (ids)
      AND (SELECT true FROM contacts o JOIN customers c ON c.id = o.customer
           WHERE o.project = of AND o.email_key = k.email_key AND o.customer <> k.customer AND c.deleted_at IS NULL LIMIT 1)
    ON CONFLICT DO NOTHING
$$;

-- A row looks up a few keys: never a whole table, whatever was analyzed when.
ALTER FUNCTION import_target(viewer, jsonb) SET enable_hashjoin = off;
ALTER FUNCTION import_target(viewer, jsonb) SET enable_mergejoin = off;
ALTER FUNCTION import_target(viewer, jsonb) SET enable_material = off;

-- Locks whom the rows are about, by id. A chunk looks up a few hundred keys, so never a whole table, whatever was analyzed when.
CREATE FUNCTION lock_import(of integer, list jsonb) RETURNS void LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
DECLARE
    ids uuid[];
BEGIN
    ids := ARRAY(
        SELECT (x ->> 'id')::uuid FROM jsonb_array_elements(list) x WHERE x ? 'id'
        UNION
        SELECT o.id FROM jsonb_array_elements(list) x
            JOIN customers o ON o.project = of AND o.external_id = x ->> 'external_id' AND o.deleted_at IS NULL
        UNION
        SELECT k.customer FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g
            JOIN contacts k ON k.project = of AND k.phone_key = g ->> 'phone_key'
        UNION
        SELECT k.customer FROM jsonb_array_elements(list) x, jsonb_array_elements(x -> 'contacts') g
            JOIN contacts k ON k.project = of AND k.email_key = g ->> 'email_key');
    PERFORM FROM customers c WHERE c.id = ANY (ids) AND c.project = of AND c.deleted_at IS NULL ORDER BY c.id FOR UPDATE;
END
$$;

REVOKE EXECUTE ON FUNCTION lock_members(uuid[], text[]), note_duplicates_of(integer, uuid[]), lock_import(integer, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_members(uuid[], text[]), note_duplicates_of(integer, uuid[]), lock_import(integer, jsonb) TO patchbay_server;

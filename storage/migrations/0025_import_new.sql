-- Rows of an import that nobody else has anything to do with, which most are, become customers by one statement for a chunk
-- instead of fifteen for each. The others go the long way, import_row(), as before.

-- Which rows of a chunk are about somebody who is known, or about whom another of its rows speaks as well: by an external id, a
-- phone or an e-mail address. A chunk looks up a few hundred keys, so never a whole table, whatever was analyzed when.
CREATE FUNCTION import_known(of integer, list jsonb) RETURNS SETOF bigint LANGUAGE sql STABLE
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off AS $$
    WITH given AS MATERIALIZED (
        SELECT x.n, x.item FROM jsonb_array_elements(list) WITH ORDINALITY x (item, n)
    ), keys AS MATERIALIZED (
        SELECT DISTINCT g.n, k.key
        FROM given g, jsonb_array_elements(g.item -> 'contacts') c, LATERAL (VALUES (c ->> 'phone_key'), (c ->> 'email_key')) k (key)
        WHERE k.key IS NOT NULL
    )
    SELECT s.n FROM (SELECT k.n, count(*) OVER (PARTITION BY k.key) AS rows_with FROM keys k) s WHERE s.rows_with > 1
    UNION
    SELECT s.n FROM (SELECT g.n, count(*) OVER (PARTITION BY g.item ->> 'external_id') AS rows_with FROM given g
                     WHERE g.item ? 'external_id') s WHERE s.rows_with > 1
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.phone_key = k.key
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.email_key = k.key
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.deleted_at IS NULL
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.merged_into IS NOT NULL
$$;

-- Makes customers of the rows that import_row() would make customers of whatever the others say. Gives them by number.
CREATE FUNCTION import_new(v viewer, args jsonb) RETURNS TABLE (n bigint, id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    most     integer;
    slots    integer;
    required text[];
    known    bigint[] := ARRAY(SELECT import_known(v.project, args -> 'rows'));
BEGIN
    SELECT coalesce((s.settings #>> '{contacts,max}')::integer, 9), coalesce((s.settings #>> '{contacts,phone_slots}')::integer, 3),
           ARRAY(SELECT f.key FROM jsonb_each(s.settings -> 'fields') f WHERE f.value -> 'required' = 'true')
    INTO most, slots, required
    FROM (SELECT) one LEFT JOIN customer_settings s ON s.project = v.project;
    RETURN QUERY
    WITH fit AS MATERIALIZED (
        SELECT g.n, g.item, make_id((args ->> 'now_ms')::bigint, g.n) AS id, m.stage, m.owner
        FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY g (item, n),
            LATERAL stage_move('', NULL, g.item, v.agent) m,
            LATERAL (SELECT count(*) AS contacts, count(c ->> 'phone') AS phones,
                            count(coalesce(c ->> 'phone_key', c ->> 'email_key')) AS keys
                     FROM jsonb_array_elements(g.item -> 'contacts') c) has
        WHERE g.n <> ALL (known) AND NOT g.item ? 'id' AND m.fault IS NULL
          AND (g.item ? 'external_id' OR has.contacts > 0)
          AND has.contacts <= most AND has.phones <= slots AND has.keys = has.contacts
          AND coalesce(g.item -> 'fields', '{}') ?& required
    ), made AS (
        INSERT INTO customers AS c (id, project, name, real_name, company, external_id, stage, owner, service_rep, source, tags, fields,
                                    created_by)
        SELECT f.id, v.project, coalesce(f.item ->> 'name', ''), f.item ->> 'real_name', f.item ->> 'company',
               f.item ->> 'external_id', f.stage, f.owner, f.item ->> 'service_rep', f.item ->> 'source',
               ARRAY(SELECT jsonb_array_elements_text(f.item -> 'tags')), coalesce(f.item -> 'fields', '{}'), v.agent
        FROM fit f ORDER BY f.n
        ON CONFLICT DO NOTHING -- somebody else was first: import_row() finds that customer
        RETURNING c.id, c AS row
    ), reached AS (
        INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
        SELECT f.id, line.n - 1, v.project, x ->> 'label', x ->> 'phone', x ->> 'email', x ->> 'phone_key', x ->> 'email_key'
        FROM fit f JOIN made m ON m.id = f.id, jsonb_array_elements(f.item -> 'contacts') WITH ORDINALITY line (x, n)
    ), logged AS (
        INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
        SELECT v.project, f.id, (args ->> 'now_ms')::bigint, 'Import customer', actor_of(v.role, v.agent), v.role, args -> 'origin',
               customer_changes(NULL, m.row, NULL, contacts_shown(f.item -> 'contacts'))
        FROM fit f JOIN made m ON m.id = f.id ORDER BY f.n
    )
    SELECT f.n, f.id FROM fit f JOIN made m ON m.id = f.id;
END
$$;

-- {rows, dry_run}: counts, and [{row, status, detail}] of those that were not taken. A dry run does it all and takes it back.
-- One chunk of a project at a time; whom its rows are about is locked by id before the first of them is taken.
CREATE OR REPLACE FUNCTION import_rows(of integer, by_role text, by_agent text, args jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    v         viewer := viewer_of(of, by_role, by_agent);
    call      jsonb := args - 'rows';
    one       record;
    became    record;
    done      bigint[];
    moved     uuid[];
    created   integer;
    changed   integer := 0;
    unchanged integer := 0;
    faults    jsonb := '[]';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('patchbay.import_rows'), of);
    PERFORM set_config('patchbay.notes_duplicates', 'itself', true);
    PERFORM lock_import(of, args -> 'rows');
    BEGIN
        SELECT coalesce(array_agg(m.n), '{}'), coalesce(array_agg(m.id), '{}') INTO done, moved FROM import_new(v, args) m;
        created := cardinality(done);
        FOR one IN SELECT x.item, x.n FROM jsonb_array_elements(args -> 'rows') WITH ORDINALITY x (item, n)
                   WHERE x.n <> ALL (done) ORDER BY x.n LOOP
            became := import_row(v, call, one.item, one.n);
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
    PERFORM note_duplicates_of(of, moved);
    RETURN jsonb_build_object('created', created, 'changed', changed, 'unchanged', unchanged, 'faults', faults);
END
$$;

REVOKE EXECUTE ON FUNCTION import_known(integer, jsonb), import_new(viewer, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_known(integer, jsonb), import_new(viewer, jsonb) TO patchbay_server;

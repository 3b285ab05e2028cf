-- Owners and service reps who have left the project may stay where an import finds them, so that what was exported is taken as it
-- is: docs/import-export.md.

-- As 0025 has it; besides, a row that names somebody who is no agent goes the long way.
CREATE OR REPLACE FUNCTION import_known(of integer, list jsonb) RETURNS SETOF bigint LANGUAGE sql STABLE
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
    SELECT g.n FROM given g WHERE g.item ? 'strangers'
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.phone_key = k.key
    UNION
    SELECT k.n FROM keys k JOIN contacts o ON o.project = of AND o.email_key = k.key
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.deleted_at IS NULL
    UNION
    SELECT g.n FROM given g JOIN customers c ON c.project = of AND c.external_id = g.item ->> 'external_id' AND c.merged_into IS NOT NULL
$$;

-- The first of a row's strangers, [{member, detail}], who is not what its customer has already.
CREATE FUNCTION import_stranger(v viewer, item jsonb) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    was jsonb := (SELECT to_jsonb(c) FROM import_target(v, item) t JOIN customers c ON c.id = t.target
                  WHERE t.matches = 1 AND right_on(v, c) >= 1);
BEGIN
    RETURN (SELECT s.who ->> 'detail' FROM jsonb_array_elements(item -> 'strangers') WITH ORDINALITY s (who, n)
            WHERE was ->> (s.who ->> 'member') IS DISTINCT FROM item ->> (s.who ->> 'member') ORDER BY s.n LIMIT 1);
END
$$;

ALTER FUNCTION import_row(viewer, jsonb, jsonb, bigint) RENAME TO import_row_of_agents;
CREATE FUNCTION import_row(v viewer, args jsonb, item jsonb, n bigint, OUT status text, OUT detail text, OUT touched uuid)
    LANGUAGE plpgsql AS $$
BEGIN
    IF item ? 'strangers' THEN
        detail := import_stranger(v, item);
    END IF;
    IF detail IS NOT NULL THEN
        status := 'invalid';
    ELSE
        SELECT r.status, r.detail, r.touched INTO status, detail, touched FROM import_row_of_agents(v, args, item, n) r;
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION import_stranger(viewer, jsonb), import_row(viewer, jsonb, jsonb, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_stranger(viewer, jsonb), import_row(viewer, jsonb, jsonb, bigint) TO patchbay_server;

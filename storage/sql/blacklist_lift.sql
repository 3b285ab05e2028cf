-- {id, author, now_ms, origin}: ends a block; one that is over stays as it is. With the block of a customer go those that were made with
-- it, of who was merged into that one.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
-- The fence's row first, as batches do: one that counts a hit of this very block would wait for us and we for it.
gate AS MATERIALIZED (SELECT f.project FROM fences f WHERE f.project = $1 FOR UPDATE),
found AS (SELECT b.* FROM gate JOIN blacklist b ON b.project = gate.project WHERE b.id = ($4 ->> 'id')::uuid),
whole (id) AS (
    SELECT found.id FROM found
    UNION
    SELECT b.id
    FROM found JOIN blacklist b ON b.project = found.project AND b.start_ms = found.start_ms AND b.author = found.author
    WHERE found.kind = 'customer' AND b.customer = ANY (merged_ids(found.customer)) AND b.customer <> found.customer
      AND b.channels = found.channels AND b.until_ms IS NOT DISTINCT FROM found.until_ms
),
lifted AS (
    UPDATE blacklist b
    SET lifted_ms = greatest(($4 ->> 'now_ms')::bigint, b.start_ms), lifted_by = $4 ->> 'author'
    FROM whole
    WHERE b.id = whole.id AND b.lifted_ms IS NULL
      AND (b.until_ms IS NULL OR b.until_ms > ($4 ->> 'now_ms')::bigint)
    RETURNING b.*
), counted AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS of FROM lifted
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, lifted.customer, ($4 ->> 'now_ms')::bigint, 'Unblock customer', actor_of($2, $3), $2, $4 -> 'origin',
           block_changes(ROW(lifted.*)::blacklist, NULL)
    FROM lifted WHERE lifted.customer IS NOT NULL
), moved AS (
    UPDATE fences f SET facts_version = f.facts_version + counted.of FROM counted WHERE f.project = $1 AND counted.n = 1
    RETURNING f.facts_version
), noted AS (
    INSERT INTO changes (project, version, kind, ref)
    SELECT $1, moved.facts_version - counted.of + counted.n, 'unblock', counted.id FROM moved, counted
    RETURNING pg_notify('patchbay', 'facts:' || (SELECT p.name FROM projects p WHERE p.id = $1))
)
SELECT 'ok', block_json(ROW(lifted.*)::blacklist, ($4 ->> 'now_ms')::bigint)::text, NULL FROM lifted WHERE lifted.id = ($4 ->> 'id')::uuid
UNION ALL
SELECT 'ok', block_json(ROW(found.*)::blacklist, ($4 ->> 'now_ms')::bigint)::text, NULL
FROM found WHERE NOT EXISTS (SELECT FROM lifted WHERE lifted.id = found.id)
UNION ALL
SELECT 'not_found', 'there is no such block', NULL WHERE NOT EXISTS (SELECT FROM found)

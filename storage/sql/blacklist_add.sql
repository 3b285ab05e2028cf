-- {id, kind, customer or key and value, channels (bits), until_ms, reason, author, now_ms, origin}. A block starts now, but not
-- before the last input: whatever is decided next is decided with it. Whoever is no supervisor blocks
-- customers whom they may view. Who was merged is blocked as who they are now; an interaction that is still of
-- somebody who was merged into this one, as it began before, has a block of its own besides.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
start AS (SELECT greatest(($4 ->> 'now_ms')::bigint, f.last_ms) AS ms FROM fences f WHERE f.project = $1),
person AS (
    SELECT c.id FROM customers c
    WHERE c.project = $1 AND c.id = merged_target(($4 ->> 'customer')::uuid) AND c.deleted_at IS NULL
      AND EXISTS (SELECT FROM viewer_of($1, $2, $3) v WHERE v.roles && '{supervisor,admin}' OR right_on(v, c) >= 1)
),
target (id, customer) AS (
    SELECT ($4 ->> 'id')::uuid, NULL::uuid WHERE NOT $4 ? 'customer'
    UNION ALL
    SELECT ($4 ->> 'id')::uuid, person.id FROM person
    UNION ALL
    SELECT make_id(start.ms, row_number() OVER ()), part.id
    FROM start, (SELECT DISTINCT i.customer AS id
                 FROM (SELECT id, merged_ids(id) AS ids FROM person) whole
                 JOIN interactions i ON i.project = $1 AND i.closed_ms IS NULL AND i.customer = ANY (whole.ids) AND i.customer <> whole.id
                 WHERE cardinality(whole.ids) > 1) part
),
made AS (
    INSERT INTO blacklist (id, project, kind, customer, key, value, channels, reason, author, start_ms, until_ms)
    SELECT target.id, $1, $4 ->> 'kind', target.customer, $4 ->> 'key', $4 ->> 'value',
           ($4 ->> 'channels')::smallint, $4 ->> 'reason', $4 ->> 'author', start.ms, ($4 ->> 'until_ms')::bigint
    FROM start, target
    WHERE NOT $4 ? 'until_ms' OR ($4 ->> 'until_ms')::bigint > start.ms
    RETURNING *
), counted AS (
    SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS of FROM made
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, made.customer, ($4 ->> 'now_ms')::bigint, 'Block customer', actor_of($2, $3), $2, $4 -> 'origin',
           block_changes(NULL, ROW(made.*)::blacklist)
    FROM made WHERE made.customer IS NOT NULL
), moved AS (
    UPDATE fences f SET facts_version = f.facts_version + counted.of FROM counted WHERE f.project = $1 AND counted.n = 1
    RETURNING f.facts_version
), noted AS (
    INSERT INTO changes (project, version, kind, ref)
    SELECT $1, moved.facts_version - counted.of + counted.n, 'block', counted.id FROM moved, counted
    RETURNING pg_notify('patchbay', 'facts:' || (SELECT p.name FROM projects p WHERE p.id = $1))
)
SELECT 'created', block_json(ROW(made.*)::blacklist, ($4 ->> 'now_ms')::bigint)::text, NULL FROM made WHERE made.id = ($4 ->> 'id')::uuid
UNION ALL
SELECT 'not_found', 'there is no such customer', '/customer' WHERE $4 ? 'customer' AND NOT EXISTS (SELECT FROM person)
UNION ALL
SELECT 'invalid', 'must be in the future', '/until'
WHERE NOT EXISTS (SELECT FROM made) AND (NOT $4 ? 'customer' OR EXISTS (SELECT FROM person))

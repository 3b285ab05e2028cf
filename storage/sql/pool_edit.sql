-- {pool, name, cap, cool_down, reclaim_days, remind_days}: changes what is given.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
old AS (
    SELECT p.id, manages_pool(viewer_of($1, $2, $3), p.id) AS may,
           CASE WHEN $4 ? 'reclaim_days' THEN ($4 ->> 'reclaim_days')::integer ELSE p.reclaim_days END AS reclaim_days,
           CASE WHEN $4 ? 'remind_days' THEN ($4 ->> 'remind_days')::integer ELSE p.remind_days END AS remind_days
    FROM pools p WHERE p.project = $1 AND p.id = ($4 ->> 'pool')::uuid
), edited AS (
    UPDATE pools p
    SET name = coalesce($4 ->> 'name', p.name),
        cap = CASE WHEN $4 ? 'cap' THEN ($4 ->> 'cap')::integer ELSE p.cap END,
        cool_down_ms = coalesce(($4 ->> 'cool_down')::bigint * 1000, p.cool_down_ms),
        reclaim_days = old.reclaim_days, remind_days = old.remind_days
    FROM old
    WHERE p.id = old.id AND old.may AND (old.remind_days IS NULL OR old.remind_days < old.reclaim_days)
    RETURNING p.*
)
SELECT 'ok', pool_json(ROW(edited.*)::pools)::text, NULL FROM edited
UNION ALL
SELECT 'not_found', 'there is no such pool', NULL WHERE NOT EXISTS (SELECT FROM old)
UNION ALL
SELECT 'forbidden', 'you do not administer this pool', NULL FROM old WHERE NOT old.may
UNION ALL
SELECT 'invalid', 'must be less than reclaim_days', '/remind_days'
FROM old WHERE old.may AND NOT EXISTS (SELECT FROM edited)

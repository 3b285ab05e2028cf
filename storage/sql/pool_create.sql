-- {id, name, cap, cool_down, reclaim_days, remind_days}. A pool admin who has an agent administers it.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
made AS (
    INSERT INTO pools (id, project, name, cap, cool_down_ms, reclaim_days, remind_days)
    SELECT ($4 ->> 'id')::uuid, $1, $4 ->> 'name', ($4 ->> 'cap')::integer, ($4 ->> 'cool_down')::bigint * 1000,
           ($4 ->> 'reclaim_days')::integer, ($4 ->> 'remind_days')::integer
    RETURNING *
), manager AS (
    INSERT INTO pool_members (pool, project, agent, is_admin)
    SELECT made.id, $1, $3, true FROM made WHERE $2 = 'pool_admin' AND $3 IS NOT NULL
    RETURNING agent
)
SELECT 'created', (pool_json(ROW(made.*)::pools)::jsonb || jsonb_build_object('members', (
    SELECT coalesce(jsonb_agg(jsonb_build_object('agent', agent, 'is_admin', true, 'held', 0)), '[]') FROM manager)))::text, NULL
FROM made

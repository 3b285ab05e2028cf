-- {interaction, origin}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT i.id, i.conversation, i.customer FROM interactions i
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
), gone AS (
    DELETE FROM mutes m USING found
    WHERE m.project = $1 AND m.agent = $3 AND m.conversation = found.conversation RETURNING found.id, found.customer
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, gone.customer, ($4 ->> 'now_ms')::bigint, 'Unmute interaction', actor_of($2, $3), $2, $4 -> 'origin',
           jsonb_build_array(jsonb_build_object('field', 'muted', 'old', gone.id, 'new', null))
    FROM gone
)
SELECT 'ok', json_build_object('interaction', found.id, 'muted', false)::text, NULL FROM found WHERE $3 IS NOT NULL
UNION ALL
SELECT 'forbidden', 'the token has no agent, who could have muted it', NULL FROM found WHERE $3 IS NULL
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM found)

-- {interaction, origin}: its whole conversation, for the one agent. Who has it, who had it (its announcements say so), and who
-- may view its customer.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT i.id, i.conversation, i.customer,
           coalesce(i.agent = $3, false)
           OR EXISTS (SELECT FROM customers c, viewer_of($1, $2, $3) v WHERE c.id = i.customer AND right_on(v, c) >= 1)
           OR was_told($1, $3, i) AS may
    FROM interactions i
    WHERE i.id = ($4 ->> 'interaction')::uuid AND i.project = $1
), made AS (
    INSERT INTO mutes (project, agent, conversation, at_ms)
    SELECT $1, $3, found.conversation, ($4 ->> 'now_ms')::bigint FROM found WHERE found.may AND $3 IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING conversation
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, found.customer, ($4 ->> 'now_ms')::bigint, 'Mute interaction', actor_of($2, $3), $2, $4 -> 'origin',
           jsonb_build_array(jsonb_build_object('field', 'muted', 'old', null, 'new', found.id))
    FROM made, found
)
SELECT 'ok', json_build_object('interaction', found.id, 'muted', true)::text, NULL FROM found WHERE found.may AND $3 IS NOT NULL
UNION ALL
SELECT 'forbidden', CASE WHEN $3 IS NULL THEN 'the token has no agent, who could mute it'
                         ELSE 'it neither is nor was yours, and you may not see its customer' END, NULL
FROM found WHERE $3 IS NULL OR NOT found.may
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL WHERE NOT EXISTS (SELECT FROM found)

-- {customer, page}: the next rows of the journal; says whether those were the last.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', json_build_object('customer', $4 ->> 'customer', 'done', e.done, 'emptied', e.emptied)::text, NULL
FROM erase_content($1, ($4 ->> 'customer')::uuid, ($4 ->> 'page')::bigint) e

-- {customers, mode, tags, kind, origin}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
fault AS MATERIALIZED (SELECT pointer, why FROM tags_fault($1, $4)),
done AS MATERIALIZED (
    SELECT t.* FROM (SELECT WHERE NOT EXISTS (SELECT FROM fault)) go,
        tag_customers($1, $2, $3, $4, ARRAY(SELECT jsonb_array_elements_text($4 -> 'customers')::uuid)) t
)
SELECT 'ok', (SELECT coalesce(json_agg(CASE WHEN status = 'ok' THEN json_build_object('customer', customer, 'status', status)
                ELSE json_build_object('customer', customer, 'status', status, 'detail', detail) END), '[]') FROM done)::text, NULL
WHERE NOT EXISTS (SELECT FROM fault)
UNION ALL
SELECT 'invalid', why, pointer FROM fault

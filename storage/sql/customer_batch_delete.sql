-- {customers}: each by itself, all that may be deleted in one transaction.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', coalesce(json_agg(json_strip_nulls(json_build_object(
    'customer', d.customer, 'status', d.status, 'detail', d.detail)) ORDER BY d.n), '[]')::text, NULL
FROM delete_customers($1, $2, $3, $4, ARRAY(SELECT jsonb_array_elements_text($4 -> 'customers')::uuid), 'Batch delete')
     WITH ORDINALITY d (customer, status, detail, n)

-- {customer}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT d.status, coalesce(d.detail, json_build_object('customer', d.customer, 'status', d.status)::text), NULL
FROM delete_customers($1, $2, $3, $4, ARRAY[($4 ->> 'customer')::uuid], 'Delete customer') d

-- {customers, pool, origin}: from pool to pool; gives an item for each.
SELECT status, body, pointer FROM regroup_customers($1::integer, $2::text, $3::text, $4::jsonb)

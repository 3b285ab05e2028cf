-- {customers, pool, reason, origin}: each back to a pool; gives an item for each.
SELECT status, body, pointer FROM return_customers($1::integer, $2::text, $3::text, $4::jsonb)

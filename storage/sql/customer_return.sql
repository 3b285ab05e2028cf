-- {customer, pool, reason, origin}: into a pool, without an owner from now on.
SELECT status, body, pointer FROM return_customer($1::integer, $2::text, $3::text, $4::jsonb)

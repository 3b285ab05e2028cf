-- {customer, origin}: out of its pool, to the caller's agent.
SELECT status, body, pointer FROM pick_up_customer($1::integer, $2::text, $3::text, $4::jsonb)

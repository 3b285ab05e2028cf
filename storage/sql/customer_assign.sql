-- {customer, agents, departments, origin}: to the next in turn.
SELECT status, body, pointer FROM assign_customer($1::integer, $2::text, $3::text, $4::jsonb)

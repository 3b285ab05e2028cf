-- {customers, agents, departments, origin}: evenly and in turn; gives an item for each.
SELECT status, body, pointer FROM assign_customers($1::integer, $2::text, $3::text, $4::jsonb)

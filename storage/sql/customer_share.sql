-- {customer, agents, roles, departments, origin}
SELECT outcome, body, pointer FROM share_customers($1::integer, $2::text, $3::text, $4::jsonb, 'Share customer')

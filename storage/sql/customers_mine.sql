-- {after, limit}
SELECT outcome, answer, pointer FROM my_customers($1::integer, $2::text, $3::text, $4::jsonb)

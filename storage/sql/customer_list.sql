-- {sort, order, after, limit, columns, and conditions}: migration 0012 puts the statement together.
SELECT outcome, answer, pointer FROM list_customers($1::integer, $2::text, $3::text, $4::jsonb)

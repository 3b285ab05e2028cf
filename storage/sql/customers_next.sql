-- {from}
SELECT outcome, answer, pointer FROM my_neighbour($1::integer, $2::text, $3::text, $4::jsonb, true)

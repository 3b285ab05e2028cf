-- {customer, mode, tags, kind, origin}
SELECT outcome, answer, pointer FROM tag_customer($1::integer, $2::text, $3::text, $4::jsonb)

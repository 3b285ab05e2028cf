-- {pool}
SELECT status, body, pointer FROM delete_pool($1::integer, $2::text, $3::text, $4::jsonb)

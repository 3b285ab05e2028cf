-- {pool, agent, is_admin}
SELECT status, body, pointer FROM put_pool_member($1::integer, $2::text, $3::text, $4::jsonb)

-- $1 project, $2 its owner, $3 epoch, $4 version of its file, $5 now, $6 items -> how many were given to somebody.
SELECT assign_by_rules($1::integer, $2::uuid, $3::bigint, $4::bigint, $5::bigint, $6::text::jsonb)

SELECT c.file, c.zones::text FROM configs c WHERE c.project = $1::integer AND c.version = $2::bigint

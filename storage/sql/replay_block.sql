SELECT key FROM blacklist WHERE project = $1::integer AND id = $2::uuid

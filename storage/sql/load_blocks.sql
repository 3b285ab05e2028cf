SELECT id, kind, customer, key, channels, start_ms, until_ms FROM blacklist
WHERE project = $1::integer AND lifted_ms IS NULL AND (until_ms IS NULL OR until_ms > $2::bigint)

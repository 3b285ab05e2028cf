-- One decision, with what it was about and the configuration that made it.
SELECT j.seq, j.at_ms, j.config_version, j.decision, c.file, c.zones::text, j.input
FROM journal j LEFT JOIN configs c ON c.project = j.project AND c.version = j.config_version
WHERE j.project = $1::integer AND j.seq = $2::bigint

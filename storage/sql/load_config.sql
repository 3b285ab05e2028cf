-- One version of a project's file; the current one when $2 is NULL.
SELECT c.version, c.file, c.zones::text FROM fences f
JOIN configs c ON c.project = f.project AND c.version = coalesce($2::bigint, f.config_version)
WHERE f.project = $1::integer

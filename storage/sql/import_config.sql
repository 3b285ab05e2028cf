-- The project's current configuration, for a command that needs its region and limits.
SELECT c.file, c.zones::text
FROM fences f JOIN configs c ON c.project = f.project AND c.version = f.config_version WHERE f.project = $1::integer

-- One version of a project's file; the current one when $2 is NULL. With the keys that mail is signed with, newest first.
SELECT c.version, c.file, c.zones::text,
       ARRAY(SELECT encode(k.key, 'hex') FROM mail_keys k WHERE k.project = f.project ORDER BY k.id DESC)
FROM fences f
JOIN configs c ON c.project = f.project AND c.version = coalesce($2::bigint, f.config_version)
WHERE f.project = $1::integer

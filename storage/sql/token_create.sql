-- $1 project name, $2 SHA-256 of the token, $3 role, $4 agent or NULL, $5 when it expires in milliseconds since 1970 or
-- NULL, $6 note or NULL, $7 hook or NULL -> the id; no row when there is no such project, or no such agent or hook in its
-- configuration.
INSERT INTO tokens (id, project, hash, role, agent, expires_at, note, hook)
SELECT gen_random_uuid(), p.id, $2::bytea, $3::text, $4::text, to_timestamp($5::bigint / 1000.0), $6::text, $7::text
FROM projects p
WHERE p.name = $1::text
  AND ($4::text IS NULL OR EXISTS (SELECT FROM agents a WHERE a.project = p.id AND a.name = $4 AND a.active))
  AND ($7::text IS NULL OR EXISTS (SELECT FROM fences f JOIN configs c ON c.project = f.project AND c.version = f.config_version
                                   WHERE f.project = p.id AND c.tree -> 'hooks' ? $7))
RETURNING id

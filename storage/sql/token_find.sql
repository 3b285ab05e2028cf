-- $1 SHA-256 of a token -> whose it is (an agent, or a hook) and for how many milliseconds it still holds (NULL: until revoked).
SELECT t.id, t.project, p.name, t.role, coalesce(t.hook, t.agent),
       floor(extract(epoch FROM t.expires_at - clock_timestamp()) * 1000)::bigint
FROM tokens t JOIN projects p ON p.id = t.project
WHERE t.hash = $1::bytea AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())

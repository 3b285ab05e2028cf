-- $1 SHA-256 of tokens -> what token_find says of each that still holds, and its place among them from 1.
SELECT t.id, t.project, p.name, t.role, coalesce(t.hook, t.agent),
       floor(extract(epoch FROM t.expires_at - clock_timestamp()) * 1000)::bigint, u.place
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (hash, place)
JOIN tokens t ON t.hash = u.hash
JOIN projects p ON p.id = t.project
WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())

-- $1 project name, $2 id of a token -> the id; no row when there is none. Revoking again keeps the first time.
WITH revoked AS (
    UPDATE tokens t SET revoked_at = coalesce(t.revoked_at, now())
    FROM projects p WHERE p.id = t.project AND p.name = $1::text AND t.id = $2::uuid
    RETURNING t.id
)
SELECT id, pg_notify('patchbay', 'tokens')::text FROM revoked

-- $1 id of a token -> the id; no row when there is no such token, or it was revoked before.
WITH revoked AS (
    UPDATE tokens t SET revoked_at = now() WHERE t.id = $1::uuid AND t.revoked_at IS NULL RETURNING t.id
)
SELECT id, pg_notify('patchbay', 'tokens')::text FROM revoked

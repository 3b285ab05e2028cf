-- $1 id of a token -> the id; no row when there is no such token, or it was revoked before.
UPDATE tokens SET revoked_at = now() WHERE id = $1::uuid AND revoked_at IS NULL RETURNING id

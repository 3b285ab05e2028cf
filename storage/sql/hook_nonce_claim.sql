-- $1 project, $2 hook, $3 nonce, $4 content, $5 now, $6 until when the nonce counts -> whether it came with this content first. Some
-- of those that count no more, by an hour (clocks of routers differ), go with each: more than come.
WITH gone AS (
    DELETE FROM hook_nonces h USING (
        SELECT o.project, o.hook, o.nonce FROM hook_nonces o WHERE o.until_ms < $5::bigint - 3600000
        ORDER BY o.until_ms LIMIT 10 FOR UPDATE SKIP LOCKED) old
    WHERE h.project = old.project AND h.hook = old.hook AND h.nonce = old.nonce
), claimed AS (
    INSERT INTO hook_nonces (project, hook, nonce, content, until_ms)
    VALUES ($1::integer, $2::text, $3::uuid, $4::uuid, $6::bigint)
    ON CONFLICT (project, hook, nonce) DO UPDATE SET until_ms = excluded.until_ms
    RETURNING content)
SELECT content = $4::uuid FROM claimed

-- $1 project, $2 now, $3 how many at most: kept mail whose time is over -> how many went.
WITH gone AS (
    DELETE FROM raw_mails r USING (
        SELECT o.project, o.event_key FROM raw_mails o WHERE o.until_ms <= $2::bigint AND o.project = $1::integer
        ORDER BY o.until_ms LIMIT $3::bigint) old
    WHERE r.project = old.project AND r.event_key = old.event_key
    RETURNING 1)
SELECT count(*) FROM gone

-- The blocks that the journal knows and those that it is still to take or to take back, with what the fence says at the same
-- moment. One row at least. A block that was lifted or over before any owner saw it never was.
SELECT f.facts_version, f.config_version, b.id, b.kind, b.customer, b.key, b.channels, b.start_ms, b.until_ms,
       b.taken_seq IS NOT NULL AS taken, b.lifted_ms IS NOT NULL AS lifted
FROM fences f
LEFT JOIN blacklist b ON b.project = f.project AND b.lift_seq IS NULL AND (b.taken_seq IS NOT NULL OR b.lifted_ms IS NULL)
    AND (b.until_ms IS NULL OR b.until_ms > f.last_ms)
WHERE f.project = $1::integer
ORDER BY coalesce(b.lifted_ms, b.start_ms), b.id

-- What changed since a version of the facts, with what a block says.
SELECT c.version, c.kind, c.ref, c.keys, b.kind, b.customer, b.key, b.channels, b.start_ms, b.until_ms, f.facts_version
FROM fences f
LEFT JOIN changes c ON c.project = f.project AND c.version > $2::bigint AND c.version <= f.facts_version
LEFT JOIN blacklist b ON b.id = c.ref AND c.kind = 'block'
WHERE f.project = $1::integer
ORDER BY c.version

-- $1 project, $2 version of its file, $3 how many at most: who waits to be assigned and was not looked at with that file.
SELECT c.id, c.version, c.tags, c.source, c.fields::text
FROM customers c
WHERE c.project = $1::integer AND c.stage = 'to_be_assigned' AND c.deleted_at IS NULL AND c.considered < $2::bigint
ORDER BY c.considered, c.id LIMIT $3::bigint

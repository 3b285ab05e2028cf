-- The project of that name, or all of them when there is none ($1 NULL); with the journal's last row.
SELECT p.id, p.name, f.journal_seq FROM projects p JOIN fences f ON f.project = p.id
WHERE p.name = $1 OR $1::text IS NULL ORDER BY p.id LIMIT 2

-- {}: how many inputs were decided so far: an import that shares the database with decisions rests between its chunks.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', f.journal_seq::text, NULL FROM fences f WHERE f.project = $1

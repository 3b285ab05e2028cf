-- {columns}: an empty list shows everything again.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
asked AS (
    SELECT name, n FROM jsonb_array_elements_text($4 -> 'columns') WITH ORDINALITY line (name, n)
), bad AS (
    SELECT n FROM asked WHERE NOT is_column(name) ORDER BY n LIMIT 1
), gone AS (
    DELETE FROM customer_columns
    WHERE project = $1 AND agent = coalesce($3, '') AND role = CASE WHEN $3 IS NULL THEN $2 ELSE '' END
      AND NOT EXISTS (SELECT FROM asked)
), made AS (
    INSERT INTO customer_columns (project, agent, role, columns)
    SELECT $1, coalesce($3, ''), CASE WHEN $3 IS NULL THEN $2 ELSE '' END, array_agg(name ORDER BY n) FROM asked
    WHERE NOT EXISTS (SELECT FROM bad) HAVING count(*) > 0
    ON CONFLICT (project, agent, role) DO UPDATE SET columns = excluded.columns
)
SELECT 'ok', json_build_object('columns', (SELECT array_agg(name ORDER BY n) FROM asked))::text, NULL
WHERE NOT EXISTS (SELECT FROM bad)
UNION ALL
SELECT 'invalid', 'no such column', '/columns/' || n - 1 FROM bad

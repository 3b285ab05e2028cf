-- {import, after}: the next lines of what was not taken, behind the first line of all.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (SELECT i.* FROM imports i WHERE i.project = $1 AND i.id = ($4 ->> 'import')::uuid),
page AS (
    SELECT e.n, e.line FROM found JOIN import_errors e ON e.import = found.id
    WHERE e.n > coalesce(($4 ->> 'after')::bigint, 0) ORDER BY e.n LIMIT 4
)
SELECT 'ok', json_build_object('header', found.header, 'lines', (SELECT coalesce(json_agg(line ORDER BY n), '[]') FROM page),
                               'next', (SELECT max(n) FROM page HAVING count(*) = 4))::text, NULL
FROM found
UNION ALL
SELECT 'not_found', 'there is no such import', NULL WHERE NOT EXISTS (SELECT FROM found)

-- {customer, other}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT m.outcome, m.answer, m.pointer FROM unmerge_customers($1, $2, $3, $4) m

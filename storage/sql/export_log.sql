-- {filter}: that somebody took customers away, once for all of them.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT 'ok', '{}', log_customer($1, $2, $3, $4, NULL, 'Export customers', jsonb_build_array(
    jsonb_build_object('field', 'filter', 'old', NULL, 'new', $4 -> 'filter')))::text

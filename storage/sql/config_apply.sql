-- $1 project name, $2 the file's text, $3 its tree, $4 author, $5 agents [{name, display_name, role, department,
-- reports_to}], $6 queues [{name}], $7 the time zones that it names -> the current version and whether it is a new one; no
-- row when there is no such project and the caller may not make one.
SELECT version, changed FROM apply_config($1::text, $2::text, $3::jsonb, $4::text, $5::jsonb, $6::jsonb, $7::jsonb)

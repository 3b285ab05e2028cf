-- {interaction, name}
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT d.* FROM datasheet_place($1, $2, $3, $4) place, datasheets d
    WHERE place.may_read AND d.interaction = ($4 ->> 'interaction')::uuid AND d.name = $4 ->> 'name'
), place AS (SELECT * FROM datasheet_place($1, $2, $3, $4))
SELECT 'ok', datasheet_json(ROW(found.*)::datasheets)::text, NULL FROM found
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL FROM place WHERE place.may_read IS NOT TRUE
UNION ALL
SELECT 'not_found', 'nobody has filled in this datasheet', NULL FROM place WHERE place.may_read AND NOT EXISTS (SELECT FROM found)

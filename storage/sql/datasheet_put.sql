-- {interaction, name, fields}: what was filled in takes the place of what was there.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
place AS (SELECT * FROM datasheet_place($1, $2, $3, $4)),
put AS (
    INSERT INTO datasheets AS d (project, interaction, name, fields, updated_by, updated_ms)
    SELECT $1, ($4 ->> 'interaction')::uuid, $4 ->> 'name', $4 -> 'fields', actor_of($2, $3), ($4 ->> 'now_ms')::bigint
    FROM place WHERE place.may_write
    ON CONFLICT (interaction, name) DO UPDATE
    SET fields = excluded.fields, updated_by = excluded.updated_by, updated_ms = excluded.updated_ms
    RETURNING *
)
SELECT 'ok', datasheet_json(ROW(put.*)::datasheets)::text, NULL FROM put
UNION ALL
SELECT 'not_found', 'there is no such interaction', NULL FROM place WHERE place.may_read IS NOT TRUE
UNION ALL
SELECT 'forbidden', 'it is another agent''s', NULL FROM place WHERE place.may_read AND place.may_write IS NOT TRUE

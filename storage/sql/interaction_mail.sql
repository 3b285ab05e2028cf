-- {interaction, mail}: the bytes of a mail that is kept, in hexadecimal digits.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
found AS (
    SELECT r.message, r.size FROM datasheet_place($1, $2, $3, $4) p, raw_mails r
    WHERE p.may_read AND r.project = $1 AND r.interaction = ($4 ->> 'interaction')::uuid AND r.event_key = ($4 ->> 'mail')::uuid
)
SELECT 'ok', encode(message, 'hex'), NULL FROM found WHERE message IS NOT NULL
UNION ALL
SELECT 'not_found', format('it had %s bytes, more than the project keeps', size), NULL FROM found WHERE message IS NULL
UNION ALL
SELECT 'not_found', 'there is no such mail, or it is no longer kept', NULL WHERE NOT EXISTS (SELECT FROM found)

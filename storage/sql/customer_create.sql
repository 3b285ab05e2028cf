-- {id, name, ..., contacts [{label, phone, email, phone_key, email_key}], keys [...], origin}: a new customer, whose owner and
-- service rep are agents of the project. The fence's row is taken last, so that it is held for the commit alone.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
start AS (SELECT m.* FROM stage_move('', NULL, $4, $3) m),
stranger AS (
    SELECT given.member FROM (VALUES (1, 'owner'), (2, 'service_rep')) given (n, member)
    WHERE $4 ->> given.member IS NOT NULL
      AND NOT EXISTS (SELECT FROM agents a WHERE a.project = $1 AND a.name = $4 ->> given.member AND a.active)
    ORDER BY given.n LIMIT 1
), made AS (
    INSERT INTO customers (id, project, name, real_name, company, external_id, stage, owner, service_rep, source, tags,
                           fields, created_by)
    SELECT ($4 ->> 'id')::uuid, $1, coalesce($4 ->> 'name', ''), $4 ->> 'real_name', $4 ->> 'company',
            $4 ->> 'external_id', start.stage, start.owner, $4 ->> 'service_rep',
            $4 ->> 'source', ARRAY(SELECT jsonb_array_elements_text($4 -> 'tags')),
            coalesce($4 -> 'fields', '{}'), $3
    FROM start WHERE start.fault IS NULL AND NOT EXISTS (SELECT FROM stranger)
    RETURNING *
), lines AS (
    INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
    SELECT made.id, line.n - 1, $1, line.item ->> 'label', line.item ->> 'phone', line.item ->> 'email',
           line.item ->> 'phone_key', line.item ->> 'email_key'
    FROM made, jsonb_array_elements($4 -> 'contacts') WITH ORDINALITY line (item, n)
    RETURNING customer
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, made.id, ($4 ->> 'now_ms')::bigint, 'Create customer', actor_of($2, $3), $2, $4 -> 'origin',
           customer_changes(NULL, ROW(made.*)::customers, NULL, contacts_given($4))
    FROM made
), moved AS (
    UPDATE fences f SET facts_version = f.facts_version + 1
    FROM (SELECT count(*) AS n FROM lines) written
    WHERE f.project = $1 AND written.n >= 0 AND EXISTS (SELECT FROM made) AND jsonb_array_length($4 -> 'keys') > 0
    RETURNING f.facts_version
), noted AS (
    INSERT INTO changes (project, version, kind, ref, keys)
    SELECT $1, moved.facts_version, 'customer', ($4 ->> 'id')::uuid, ARRAY(SELECT jsonb_array_elements_text($4 -> 'keys'))
    FROM moved
    RETURNING pg_notify('patchbay', 'facts:' || (SELECT p.name FROM projects p WHERE p.id = $1))
)
SELECT 'created', customer_json(ROW(made.*)::customers, contacts_given($4))::text, NULL
FROM made
UNION ALL
SELECT 'invalid', 'names no agent of the project', '/' || member FROM stranger
UNION ALL
SELECT 'invalid', fault, pointer FROM start WHERE fault IS NOT NULL AND NOT EXISTS (SELECT FROM stranger)

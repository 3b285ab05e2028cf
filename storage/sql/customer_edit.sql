-- {customer, version, name, ..., contacts, keys, origin}: changes the fields that are given, and nothing if none is; contacts, when
-- given, replace the list; `required_fields` are names of fields that may not be taken away. Who becomes owner or service rep is an agent of the
-- project; who was it and has left may stay. What is read is of one snapshot and holds only while the version does: a row that has moved on gives 'again'.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb),
old AS (
    SELECT c.id, c.version, c AS was, contacts_json(c.id) AS contacts, right_on(v, c) AS may,
           m.stage, m.owner, m.fault, m.pointer
    FROM customers c, viewer_of($1, $2, $3) v, stage_move(c.stage, c.owner, $4, $3) m
    WHERE c.project = $1 AND c.id = ($4 ->> 'customer')::uuid AND c.deleted_at IS NULL AND right_on(v, c) >= 1
), given (anything) AS (
    SELECT $4 ?| '{name,real_name,company,external_id,stage,owner,service_rep,source,tags,fields,contacts}'
), taken AS (
    SELECT name FROM old, jsonb_array_elements_text($4 -> 'required_fields') name
    WHERE old.may >= 2 AND coalesce((old.was).fields ->> name, '') <> '' AND NOT ($4 -> 'fields') ? name
    LIMIT 1
), stranger AS (
    SELECT given.member
    FROM old, LATERAL (VALUES (1, 'owner', (old.was).owner), (2, 'service_rep', (old.was).service_rep)) given (n, member, was)
    WHERE old.may >= 2 AND old.fault IS NULL AND NOT EXISTS (SELECT FROM taken)
      AND $4 ->> given.member IS NOT NULL AND $4 ->> given.member IS DISTINCT FROM given.was
      AND NOT EXISTS (SELECT FROM agents a WHERE a.project = $1 AND a.name = $4 ->> given.member AND a.active)
    ORDER BY given.n LIMIT 1
), keys AS (
    SELECT key FROM old JOIN contacts k ON k.customer = old.id, LATERAL (VALUES (k.phone_key), (k.email_key)) v (key)
    WHERE key IS NOT NULL
    UNION
    SELECT jsonb_array_elements_text($4 -> 'keys')
), edited AS (
    UPDATE customers c
    SET name = CASE WHEN $4 ? 'name' THEN coalesce($4 ->> 'name', '') ELSE c.name END,
        real_name = CASE WHEN $4 ? 'real_name' THEN $4 ->> 'real_name' ELSE c.real_name END,
        company = CASE WHEN $4 ? 'company' THEN $4 ->> 'company' ELSE c.company END,
        external_id = CASE WHEN $4 ? 'external_id' THEN $4 ->> 'external_id' ELSE c.external_id END,
        stage = old.stage, owner = old.owner,
        service_rep = CASE WHEN $4 ? 'service_rep' THEN $4 ->> 'service_rep' ELSE c.service_rep END,
        source = CASE WHEN $4 ? 'source' THEN $4 ->> 'source' ELSE c.source END,
        tags = CASE WHEN $4 ? 'tags' THEN ARRAY(SELECT jsonb_array_elements_text($4 -> 'tags')) ELSE c.tags END,
        fields = coalesce($4 -> 'fields', c.fields),
        version = c.version + 1, updated_at = now()
    FROM old, given
    WHERE c.id = old.id AND given.anything AND old.may >= 2 AND old.fault IS NULL AND c.version = old.version AND c.deleted_at IS NULL
      AND c.version = coalesce(($4 ->> 'version')::bigint, c.version)
      AND NOT EXISTS (SELECT FROM taken) AND NOT EXISTS (SELECT FROM stranger)
    RETURNING c.*
), dropped AS (
    DELETE FROM contacts k USING edited
    WHERE k.customer = edited.id AND k.position >= jsonb_array_length($4 -> 'contacts')
    RETURNING k.customer
), lines AS (
    INSERT INTO contacts (customer, position, project, label, phone, email, phone_key, email_key)
    SELECT edited.id, line.n - 1, $1, line.item ->> 'label', line.item ->> 'phone', line.item ->> 'email',
           line.item ->> 'phone_key', line.item ->> 'email_key'
    FROM edited, jsonb_array_elements($4 -> 'contacts') WITH ORDINALITY line (item, n)
    ON CONFLICT (customer, position) DO UPDATE
    SET label = excluded.label, phone = excluded.phone, email = excluded.email, phone_key = excluded.phone_key,
        email_key = excluded.email_key
    RETURNING customer
), logged AS (
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT $1, edited.id, ($4 ->> 'now_ms')::bigint, 'Edit customer', actor_of($2, $3), $2, $4 -> 'origin',
           customer_changes(old.was, ROW(edited.*)::customers, old.contacts, CASE WHEN $4 ? 'contacts' THEN contacts_given($4) ELSE old.contacts END)
    FROM edited, old
), moved AS (
    UPDATE fences f SET facts_version = f.facts_version + 1
    FROM edited, (SELECT count(*) AS n FROM dropped) dropped, (SELECT count(*) AS n FROM lines) written
    WHERE f.project = $1 AND dropped.n >= 0 AND written.n >= 0 AND EXISTS (SELECT FROM keys)
    RETURNING f.facts_version
), noted AS (
    INSERT INTO changes (project, version, kind, ref, keys)
    SELECT $1, moved.facts_version, 'customer', ($4 ->> 'customer')::uuid, ARRAY(SELECT key FROM keys) FROM moved
    RETURNING pg_notify('patchbay', 'facts:' || (SELECT p.name FROM projects p WHERE p.id = $1))
)
SELECT 'ok', customer_json(ROW(edited.*)::customers, CASE WHEN $4 ? 'contacts' THEN contacts_given($4)
    ELSE contacts_json(edited.id) END)::text, NULL
FROM edited
UNION ALL
SELECT 'ok', customer_json(old.was, old.contacts)::text, NULL
FROM old, given
WHERE NOT given.anything AND old.may >= 2 AND old.fault IS NULL AND old.version = coalesce(($4 ->> 'version')::bigint, old.version)
UNION ALL
SELECT 'not_found', 'there is no such customer', NULL WHERE NOT EXISTS (SELECT FROM old)
UNION ALL
SELECT 'forbidden', 'you may see this customer but not edit it', NULL FROM old WHERE old.may < 2
UNION ALL
SELECT 'invalid', 'is required', '/fields/' || name FROM taken
UNION ALL
SELECT 'invalid', 'names no agent of the project', '/' || member FROM stranger
UNION ALL
SELECT 'invalid', old.fault, old.pointer FROM old WHERE old.may >= 2 AND old.fault IS NOT NULL AND NOT EXISTS (SELECT FROM taken)
UNION ALL
SELECT CASE WHEN ($4 ->> 'version')::bigint <> old.version THEN 'already_taken' ELSE 'again' END,
       format('the customer is at version %s', old.version), '/version'
FROM old, given
WHERE old.may >= 2 AND old.fault IS NULL
  AND (given.anything OR ($4 ->> 'version')::bigint <> old.version)
  AND NOT EXISTS (SELECT FROM edited) AND NOT EXISTS (SELECT FROM taken) AND NOT EXISTS (SELECT FROM stranger)

-- What people ask for: how rows look as JSON, in one place each, and applying a project file.

CREATE FUNCTION time_text(ms bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(to_timestamp(ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE FUNCTION time_text(at timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

CREATE FUNCTION contacts_json(of uuid) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(json_build_object('label', k.label, 'phone', k.phone, 'email', k.email)
                             ORDER BY k.position), '[]')
    FROM contacts k WHERE k.customer = of
$$;

CREATE FUNCTION customer_json(c customers, contacts json) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', c.id, 'name', c.name, 'real_name', c.real_name, 'company', c.company, 'external_id', c.external_id,
        'stage', c.stage, 'owner', c.owner, 'service_rep', c.service_rep, 'source', c.source,
        'tags', to_json(c.tags), 'fields', c.fields, 'contacts', contacts, 'version', c.version,
        'created_at', time_text(c.created_at), 'updated_at', time_text(c.updated_at))
$$;

CREATE FUNCTION channels_json(bits smallint) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT coalesce(json_agg(name ORDER BY bit), '[]')
    FROM (VALUES (1, 'call'), (2, 'chat'), (4, 'email')) channel (bit, name) WHERE bits & bit <> 0
$$;

CREATE FUNCTION block_json(b blacklist, now_ms bigint) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', b.id, 'kind', b.kind, 'value', coalesce(b.customer::text, b.value), 'key', b.key,
        'channels', channels_json(b.channels), 'reason', b.reason, 'author', b.author,
        'start', time_text(b.start_ms), 'until', time_text(b.until_ms),
        'end', time_text(least(b.lifted_ms, b.until_ms)), 'lifted_by', b.lifted_by, 'hits', b.hits,
        'active', b.lifted_ms IS NULL AND (b.until_ms IS NULL OR b.until_ms > now_ms))
$$;

CREATE FUNCTION interaction_json(i interactions) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', i.id, 'channel', (ARRAY['call', 'chat', 'email'])[i.channel + 1],
        'state', (ARRAY['queued', 'offered', 'active', 'closed'])[i.state + 1],
        'direction', CASE WHEN i.outbound THEN 'outbound' ELSE 'inbound' END,
        'queue', i.queue, 'agent', i.agent, 'offer', i.offer, 'priority', i.priority, 'attempts', i.attempts,
        'from', json_build_object('phone', c.phone, 'email', c.email, 'id', c.party_id, 'name', c.name),
        'to', c.recipient, 'source', c.source, 'subject', c.subject,
        'identity', json_build_object(
            'outcome', (ARRAY['matched', 'created', 'new', 'ambiguous', 'conflict', 'manual', 'anonymous', 'machine',
                              'blocked'])[i.identity + 1],
            'customer', i.customer, 'candidates', to_json(coalesce(i.candidates, '{}'))),
        'opened_at', time_text(i.opened_ms), 'enqueued_at', time_text(i.enqueued_ms),
        'offered_at', time_text(i.offered_ms), 'expires_at', time_text(i.expires_ms),
        'accepted_at', time_text(i.accepted_ms), 'closed_at', time_text(i.closed_ms), 'cause', i.cause)
    FROM (SELECT) one LEFT JOIN content c ON c.project = i.project AND c.seq = i.opened_seq AND c.at_ms = i.opened_ms
$$;

-- Stores a project file as a new version and makes it the current one; the same text again changes nothing. One at a
-- time per project: the fence's row is taken first. Only whoever may write `projects` makes a new one; anybody else
-- gets no row back.
CREATE FUNCTION apply_config(project_name text, file_text text, file_tree jsonb, file_author text, file_agents jsonb,
                             file_queues jsonb)
    RETURNS TABLE (version bigint, changed boolean) LANGUAGE plpgsql AS $$
DECLARE
    of          integer;
    now_version bigint;
    now_file    text;
    now_facts   bigint;
BEGIN
    SELECT p.id INTO of FROM projects p WHERE p.name = project_name;
    IF of IS NULL THEN
        IF NOT has_table_privilege('projects', 'INSERT') THEN
            RETURN;
        END IF;
        INSERT INTO projects (name) VALUES (project_name) ON CONFLICT (name) DO NOTHING;
        SELECT p.id INTO STRICT of FROM projects p WHERE p.name = project_name;
    END IF;
    IF NOT EXISTS (SELECT FROM fences f WHERE f.project = of) AND has_table_privilege('fences', 'INSERT') THEN
        INSERT INTO fences (project) VALUES (of) ON CONFLICT (project) DO NOTHING;
    END IF;
    SELECT f.config_version INTO STRICT now_version FROM fences f WHERE f.project = of FOR UPDATE;
    SELECT c.file INTO now_file FROM configs c WHERE c.project = of AND c.version = now_version;
    IF now_file IS NOT DISTINCT FROM file_text THEN
        RETURN QUERY SELECT now_version, false;
        RETURN;
    END IF;
    now_version := now_version + 1;
    INSERT INTO configs (project, version, file, tree, author)
    VALUES (of, now_version, file_text, file_tree, file_author);
    INSERT INTO agents AS a (project, name, display_name, role, department, reports_to)
    SELECT of, x.name, x.display_name, x.role, x.department, x.reports_to
    FROM jsonb_to_recordset(file_agents)
        AS x (name text, display_name text, role text, department text, reports_to text)
    ON CONFLICT (project, name) DO UPDATE
    SET display_name = excluded.display_name, role = excluded.role, department = excluded.department,
        reports_to = excluded.reports_to, active = true
    WHERE (a.display_name, a.role, a.department, a.reports_to, a.active) IS DISTINCT FROM
          (excluded.display_name, excluded.role, excluded.department, excluded.reports_to, true);
    UPDATE agents a SET active = false
    WHERE a.project = of AND a.active AND NOT EXISTS (SELECT FROM jsonb_array_elements(file_agents) x
                                                      WHERE x ->> 'name' = a.name);
    INSERT INTO queues AS q (project, name) SELECT of, x.name FROM jsonb_to_recordset(file_queues) AS x (name text)
    ON CONFLICT (project, name) DO UPDATE SET active = true WHERE NOT q.active;
    UPDATE queues q SET active = false
    WHERE q.project = of AND q.active AND NOT EXISTS (SELECT FROM jsonb_array_elements(file_queues) x
                                                      WHERE x ->> 'name' = q.name);
    UPDATE fences f SET config_version = now_version, facts_version = f.facts_version + 1 WHERE f.project = of
    RETURNING f.facts_version INTO now_facts;
    INSERT INTO changes (project, version, kind) VALUES (of, now_facts, 'config');
    PERFORM pg_notify('patchbay', 'facts:' || project_name);
    RETURN QUERY SELECT now_version, true;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA patchbay FROM PUBLIC;
GRANT EXECUTE ON FUNCTION time_text(bigint), time_text(timestamptz), contacts_json(uuid),
    customer_json(customers, json), channels_json(smallint), block_json(blacklist, bigint),
    interaction_json(interactions), apply_config(text, text, jsonb, text, jsonb, jsonb) TO patchbay_server;

-- The time zones that a project file names, as they were when it was applied: a version means the same instants for ever,
-- whatever the tz database says later. Files that were applied before name none.
ALTER TABLE configs ADD COLUMN zones jsonb NOT NULL DEFAULT '[]';
ALTER TABLE configs ALTER COLUMN zones DROP DEFAULT;

-- As before; the same text again changes nothing unless the time zones that it names have changed meanwhile.
DROP FUNCTION apply_config(text, text, jsonb, text, jsonb, jsonb);
CREATE FUNCTION apply_config(project_name text, file_text text, file_tree jsonb, file_author text, file_agents jsonb,
                             file_queues jsonb, file_zones jsonb)
    RETURNS TABLE (version bigint, changed boolean) LANGUAGE plpgsql AS $$
DECLARE
    of          integer;
    now_version bigint;
    now_file    text;
    now_zones   jsonb;
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
    SELECT c.file, c.zones INTO now_file, now_zones FROM configs c WHERE c.project = of AND c.version = now_version;
    IF now_file = file_text AND now_zones = file_zones THEN
        RETURN QUERY SELECT now_version, false;
        RETURN;
    END IF;
    now_version := now_version + 1;
    INSERT INTO configs (project, version, file, tree, author, zones)
    VALUES (of, now_version, file_text, file_tree, file_author, file_zones);
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

REVOKE EXECUTE ON FUNCTION apply_config(text, text, jsonb, text, jsonb, jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION apply_config(text, text, jsonb, text, jsonb, jsonb, jsonb) TO patchbay_server;

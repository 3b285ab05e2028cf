-- As 0010 has it, in PL/pgSQL, which keeps its plan: one of SQL makes it for each statement of customers, 0.4 ms of each. The plan may be
-- as old as the session; agents and pools are few, and members of pools are found by their index, empty or not.
CREATE OR REPLACE FUNCTION viewer_of(of integer, by_role text, by_agent text) RETURNS viewer LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        WITH RECURSIVE me AS (
            SELECT a.name, a.role, a.department FROM agents a WHERE a.project = of AND a.name = by_agent AND a.active
        ), below (name, depth) AS (
            SELECT a.name, 1 FROM agents a JOIN me ON a.reports_to = me.name WHERE a.project = of AND a.active
            UNION ALL
            SELECT a.name, b.depth + 1 FROM agents a JOIN below b ON a.reports_to = b.name
            WHERE a.project = of AND a.active AND b.depth < 16
        ), scopes AS (
            SELECT g.value AS scope
            FROM customer_settings s, jsonb_each(coalesce(s.settings -> 'permission_groups', '{}')) g
            WHERE s.project = of AND g.value -> 'members' ? by_agent
        ), grouped AS (
            SELECT a.name FROM agents a, scopes
            WHERE a.project = of AND (scope -> 'agents' ? a.name OR scope -> 'departments' ? a.department)
        )
        SELECT ROW(of, by_role, by_agent, (SELECT department FROM me),
            ARRAY(SELECT by_role UNION SELECT role FROM me),
            CASE WHEN by_agent IS NULL THEN '{}' ELSE ARRAY(
                SELECT by_agent UNION SELECT name FROM below WHERE depth = 1 UNION SELECT name FROM grouped) END,
            ARRAY(SELECT DISTINCT name FROM below),
            CASE WHEN by_agent IS NULL THEN '{}' ELSE ARRAY(
                SELECT by_agent UNION SELECT name FROM grouped
                UNION SELECT name FROM below WHERE NOT EXISTS (SELECT FROM scopes)) END,
            ARRAY(SELECT m.pool FROM pool_members m WHERE m.project = of AND m.agent = by_agent),
            CASE WHEN by_role = 'pool_admin' AND by_agent IS NULL THEN ARRAY(SELECT p.id FROM pools p WHERE p.project = of)
                 ELSE ARRAY(SELECT m.pool FROM pool_members m WHERE m.project = of AND m.agent = by_agent AND m.is_admin)
            END)::viewer);
END
$$;

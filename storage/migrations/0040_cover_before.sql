-- What blocks a customer holds for what is open of whoever was merged into it before 0038 too: docs/blacklist.md. Open interactions alone
-- are looked at, by their index, and done again there is nothing to do. Where there is such a one its project's decisions wait as they do
-- for any block: the fence first and nothing after it, so that nobody waits in a circle, and a merge meanwhile is seen here or sees this.
DO $$
DECLARE
    of integer;
BEGIN
    PERFORM set_config('enable_seqscan', 'off', true);
    FOR of IN
        SELECT DISTINCT i.project FROM interactions i JOIN customers c ON c.id = i.customer
        WHERE i.closed_ms IS NULL AND c.merged_into IS NOT NULL ORDER BY 1
    LOOP
        PERFORM FROM fences f WHERE f.project = of FOR UPDATE;
        PERFORM cover_merged(of, whole.id, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        FROM (SELECT DISTINCT merged_target(i.customer) AS id
              FROM interactions i JOIN customers c ON c.id = i.customer
              WHERE i.project = of AND i.closed_ms IS NULL AND c.merged_into IS NOT NULL) whole;
    END LOOP;
END
$$;

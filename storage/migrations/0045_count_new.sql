-- What is planned while a table is empty reads it whole, by an index too, and is kept until the table is analyzed: with each row that comes it
-- gets slower. autovacuum looks once in a minute, which is long for who imports into a new project, and at the beginning of each day, whose
-- tables are new.

-- Analyzes the tables that were last counted when they were empty, or never, and have at least ANALYZE_MIN (64 KiB) by now; what is planned
-- for them is planned anew then. Waits for nobody. Returns how many these were.
CREATE FUNCTION analyze_new() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
DECLARE
    today    text := to_char(now() AT TIME ZONE 'UTC', '_YYYYMMDD');
    grown    regclass;
    analyzed integer := 0;
BEGIN
    FOR grown IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'patchbay'::regnamespace AND c.relkind = 'r' AND c.reltuples <= 0 AND c.relpages < 8
          AND c.relname IN ('activity', 'blacklist', 'contacts', 'customer_last', 'customer_log', 'customer_words', 'customers', 'duplicates',
                            'field_values', 'follows', 'interaction_customers', 'mail_keys', 'shares', 'tag_counts',
                            'journal' || today, 'content' || today, 'interactions' || today, 'feed' || today)
          AND pg_relation_size(c.oid) >= 65536
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
        analyzed := analyzed + 1;
    END LOOP;
    RETURN analyzed;
END
$$;
REVOKE EXECUTE ON FUNCTION analyze_new() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_new() TO patchbay_server;

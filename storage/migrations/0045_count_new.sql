-- What is planned while a table is empty reads it whole, by an index too, and is kept until the table is analyzed: with each row that comes it
-- gets slower. autovacuum looks once in a minute, which is long for who imports into a new project, and at the beginning of each day, whose
-- tables are new.

-- Analyzes one of the tables that were last counted when they were empty, or never, and have rows and 64 KiB to 64 MiB by now; what is planned
-- for it is planned anew then. Says which, or nothing. Waits for nobody. Rows of who has not committed yet do not count, and what was counted
-- empty once more is not looked at again before it is twice as large. What is larger came at once (pg_restore): that is autovacuum's.
CREATE FUNCTION analyze_new() RETURNS regclass LANGUAGE plpgsql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
DECLARE
    today    text := to_char(now() AT TIME ZONE 'UTC', '_YYYYMMDD');
    grown    regclass;
    has_rows boolean;
BEGIN
    FOR grown IN
        SELECT c.oid FROM pg_class c
        WHERE c.relnamespace = 'patchbay'::regnamespace AND c.relkind = 'r' AND c.reltuples <= 0
          AND c.relname IN ('activity', 'blacklist', 'contacts', 'customer_last', 'customer_log', 'customer_words', 'customers', 'duplicates',
                            'field_values', 'follows', 'interaction_customers', 'mail_keys', 'shares', 'tag_counts',
                            'journal' || today, 'content' || today, 'interactions' || today, 'feed' || today)
          AND pg_relation_size(c.oid) BETWEEN greatest(65536, 2 * 8192 * c.relpages::bigint) AND 67108864
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', grown) INTO has_rows;
        IF has_rows THEN
            EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
            RETURN grown;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION analyze_new() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION analyze_new() TO patchbay_server;

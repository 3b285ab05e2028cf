-- Indexes of customers that others have replaced go last, in a transaction that does nothing else: from its first line on nobody reads
-- customers, and it waits for whoever does. Where a migration's former text has done so already there is nothing to do.
DO $$
DECLARE
    replaced text;
BEGIN
    FOREACH replaced IN ARRAY ARRAY['customers_name', 'customers_home_pool', 'customers_tags'] LOOP
        IF to_regclass(replaced || '_new') IS NOT NULL THEN
            EXECUTE format('DROP INDEX %I', replaced);
            EXECUTE format('ALTER INDEX %I RENAME TO %I', replaced || '_new', replaced);
        END IF;
    END LOOP;
END
$$;

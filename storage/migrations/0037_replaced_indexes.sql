-- Indexes of customers that others have replaced go last, in a transaction that does nothing else: from its first line on nobody reads
-- customers, and it waits for every transaction that has touched them (a pg_dump, an idle session), but not for long, since whoever comes
-- after it waits too. Where a migration's former text has done so already there is nothing to do.
DO $$
DECLARE
    replaced text;
BEGIN
    PERFORM set_config('lock_timeout', '3s', true);
    FOREACH replaced IN ARRAY ARRAY['customers_name', 'customers_home_pool', 'customers_tags'] LOOP
        IF to_regclass(replaced || '_new') IS NOT NULL THEN
            EXECUTE format('DROP INDEX %I', replaced);
            EXECUTE format('ALTER INDEX %I RENAME TO %I', replaced || '_new', replaced);
        END IF;
    END LOOP;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'somebody has been reading or writing customers for more than 3 s in one transaction'
        USING ERRCODE = 'lock_not_available', HINT = 'Nothing was changed by this file: run the migration once more when that has ended.';
END
$$;

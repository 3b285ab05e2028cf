-- The keys of a change are written while the fence is locked, and decisions wait: to compress those of a chunk took longer than all the rest. For
-- a moment nobody else reads or writes changes, so this waits for who does, but not for long, since whoever comes after it waits too.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '3s', true);
    ALTER TABLE changes ALTER COLUMN keys SET STORAGE EXTERNAL;
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION 'somebody has been reading or writing changes for more than 3 s in one transaction'
        USING ERRCODE = 'lock_not_available', HINT = 'Nothing was changed by this file: run the migration once more when that has ended.';
END
$$;

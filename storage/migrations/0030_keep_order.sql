-- `patchbay migrate` keeps the order of names itself (storage/migrate.c), since no function can do it beside who writes.
DROP FUNCTION keep_order();

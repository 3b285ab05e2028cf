-- Ends the backends of an owner that no longer is one: a client stopped between its statements and their sync holds its
-- row locks, and no server timeout of version 15 ends that.
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE application_name = 'patchbay writer ' || $1 AND pid <> pg_backend_pid() AND usename = current_user

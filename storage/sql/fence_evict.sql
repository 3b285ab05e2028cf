-- Ends the backends of an owner whose lease has run out: a client stopped between its statements and their sync holds its
-- row locks, and no server timeout of version 15 ends that.
SELECT count(pg_terminate_backend(a.pid))
FROM fences f JOIN pg_stat_activity a ON a.application_name = 'patchbay writer ' || f.owner::text
WHERE f.project = $1::integer AND f.lease_until < now() AND a.pid <> pg_backend_pid() AND a.usename = current_user

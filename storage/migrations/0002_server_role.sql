-- The role that `patchbay serve` logs in as. It may do its job and nothing else: history is append-only for it,
-- configurations, tokens and projects are not its to write, and it owns nothing. Roles belong to the cluster, so it may be there.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'patchbay_server') THEN
        CREATE ROLE patchbay_server NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
END
$$;

REVOKE ALL ON SCHEMA patchbay FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA patchbay FROM PUBLIC;
GRANT USAGE ON SCHEMA patchbay TO patchbay_server;
GRANT SELECT ON ALL TABLES IN SCHEMA patchbay TO patchbay_server;
GRANT EXECUTE ON FUNCTION ensure_days(), uuid_floor(bigint) TO patchbay_server;

GRANT INSERT ON journal, content, feed TO patchbay_server;
GRANT INSERT, UPDATE ON interactions, agents, queues, activity TO patchbay_server;
GRANT UPDATE (owner, address, epoch, lease_until, journal_seq, facts_version, config_version, published_seq, last_ms)
    ON fences TO patchbay_server;
GRANT INSERT ON configs, changes TO patchbay_server;
GRANT INSERT, UPDATE ON customers, contacts TO patchbay_server;
GRANT DELETE ON contacts TO patchbay_server;
GRANT INSERT ON blacklist TO patchbay_server;
GRANT UPDATE (lifted_ms, lifted_by, hits) ON blacklist TO patchbay_server;

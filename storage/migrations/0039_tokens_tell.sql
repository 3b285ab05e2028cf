-- Whoever changes tokens, by hand or by replication too: routers hear of it with the commit, and may trust what they know until then.
-- They see for themselves that this trigger is there and always fires (storage/sql/token_ping.sql).
CREATE FUNCTION tell_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('patchbay', 'tokens');
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION tell_tokens() FROM PUBLIC;
CREATE TRIGGER tokens_tell AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION tell_tokens();
ALTER TABLE tokens ENABLE ALWAYS TRIGGER tokens_tell;

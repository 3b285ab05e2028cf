-- Whoever changes tokens, in whatever way: routers hear of it with the commit, and may trust what they know until then.
CREATE FUNCTION tell_tokens() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('patchbay', 'tokens');
    RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION tell_tokens() FROM PUBLIC;
CREATE TRIGGER tokens_tell AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON tokens FOR EACH STATEMENT EXECUTE FUNCTION tell_tokens();

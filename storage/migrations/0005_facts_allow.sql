-- May a batch that was decided on the facts of one version be committed although they have moved on? When nothing that it was
-- decided on is among what changed. Holds the fence's row from then on, so that the answer stays true until the commit.
-- Without keys nobody asked: NULL.
CREATE FUNCTION facts_allow(of integer, decided_on bigint, decided_keys text[]) RETURNS boolean LANGUAGE plpgsql STRICT AS $$
DECLARE
    current_version bigint;
BEGIN
    SELECT f.facts_version INTO current_version FROM fences f WHERE f.project = of FOR UPDATE;
    -- A statement of its own: it sees what was committed while the one before waited for the row.
    RETURN NOT EXISTS (SELECT FROM changes c
                       WHERE c.project = of AND c.version > decided_on AND c.version <= current_version
                         AND (c.kind <> 'customer' OR c.keys && decided_keys));
END
$$;
REVOKE EXECUTE ON FUNCTION facts_allow(integer, bigint, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION facts_allow(integer, bigint, text[]) TO patchbay_server;

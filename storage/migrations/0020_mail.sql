-- Mail: the keys that threads are signed with, and mail as it came, where a project keeps it. docs/mail.md.

-- The two newest of a project are good; the newest signs.
CREATE TABLE mail_keys (
    project integer NOT NULL REFERENCES projects,
    id      bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    key     bytea NOT NULL CHECK (octet_length(key) = 32),
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, id)
);

-- 244 bits of the server's strong randomness, evenly over 32 bytes.
CREATE FUNCTION add_mail_key(of integer) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
    INSERT INTO mail_keys (project, key) VALUES (of, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));
    DELETE FROM mail_keys k
    WHERE k.project = of AND k.id NOT IN (SELECT n.id FROM mail_keys n WHERE n.project = of ORDER BY n.id DESC LIMIT 2);
$$;

-- With the first configuration of a project, and with a later one when the key is older than half a year: whoever takes the
-- configuration takes the key with it.
CREATE FUNCTION mail_key_due() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM mail_keys k WHERE k.project = NEW.project AND k.made_at > now() - interval '180 days') THEN
        PERFORM add_mail_key(NEW.project);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER configs_mail_key AFTER INSERT ON configs FOR EACH ROW EXECUTE FUNCTION mail_key_due();
SELECT add_mail_key(p.id) FROM projects p;

-- For an administrator, after a key was seen by others: twice, and no token of before is good.
CREATE FUNCTION rotate_mail_key(name text) RETURNS void LANGUAGE plpgsql SET search_path = patchbay, pg_temp AS $$
DECLARE
    p projects;
    version bigint;
BEGIN
    SELECT x.* INTO STRICT p FROM projects x WHERE x.name = rotate_mail_key.name;
    UPDATE fences f SET facts_version = f.facts_version + 1 WHERE f.project = p.id RETURNING f.facts_version INTO version;
    PERFORM add_mail_key(p.id);
    INSERT INTO changes (project, version, kind) VALUES (p.id, version, 'config');
    PERFORM pg_notify('patchbay', 'facts:' || p.name);
END
$$;

-- A mail as it came. It is written when its event is decided and before it is acknowledged, beside the batches.
CREATE TABLE raw_mails (
    project     integer NOT NULL,
    event_key   uuid NOT NULL,   -- of the journal's row
    interaction uuid NOT NULL,
    at_ms       bigint NOT NULL,
    until_ms    bigint NOT NULL, -- dropped then
    sender_key  text,            -- canonical, so that erasing the sender finds it
    message_id  text,
    size        bigint NOT NULL,
    message     bytea,           -- NULL: longer than the project keeps
    PRIMARY KEY (project, event_key)
);
ALTER TABLE raw_mails ALTER message SET STORAGE EXTERNAL; -- attachments are compressed already, and reading is rare
CREATE INDEX raw_mails_interaction ON raw_mails (interaction, at_ms);
CREATE INDEX raw_mails_until ON raw_mails (until_ms);

-- Whoever is erased (0013_customers_in_bulk.sql) loses the mail too: all of their own interactions, and what they wrote in
-- those that are nobody's or still open to be told whose. Once more at the end, for what was being kept meanwhile.
CREATE FUNCTION erase_raw_mails() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = patchbay, pg_temp AS $$
DECLARE
    e erasures := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    DELETE FROM raw_mails r
    WHERE r.project = e.project
      AND (r.interaction = ANY (e.interactions)
           OR (r.sender_key = ANY (e.keys)
               AND NOT EXISTS (SELECT FROM interactions i WHERE i.id = r.interaction
                               AND i.customer IS NOT NULL AND i.customer <> ALL (e.ids))));
    RETURN NULL;
END
$$;
CREATE TRIGGER erasures_raw_mails AFTER INSERT OR DELETE OR UPDATE OF interactions ON erasures
    FOR EACH ROW EXECUTE FUNCTION erase_raw_mails();

REVOKE ALL ON mail_keys, raw_mails FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION add_mail_key(integer), mail_key_due(), rotate_mail_key(text), erase_raw_mails() FROM PUBLIC;
GRANT SELECT ON mail_keys TO patchbay_server;
GRANT SELECT, INSERT, DELETE ON raw_mails TO patchbay_server;

-- Signatures of webhooks that cover a random text and not the content (docs/hooks.md#mailgun): each is good for the content that it
-- came with first, whichever router it comes to and whatever was restarted meanwhile. Fingerprints alone, until the signature is stale.
CREATE TABLE hook_nonces (
    project  integer NOT NULL REFERENCES projects,
    hook     text NOT NULL,
    nonce    uuid NOT NULL,
    content  uuid NOT NULL,
    until_ms bigint NOT NULL,
    PRIMARY KEY (project, hook, nonce)
);
CREATE INDEX hook_nonces_until ON hook_nonces (until_ms);

REVOKE ALL ON hook_nonces FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON hook_nonces TO patchbay_server;

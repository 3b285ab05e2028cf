-- Tokens that are part of a webhook's URL: docs/hooks.md. `hook` is the name below `hooks:` of the project file.
ALTER TABLE tokens
    ADD hook text,
    DROP CONSTRAINT tokens_role_check,
    ADD CONSTRAINT tokens_role_check CHECK (role IN ('source', 'agent', 'supervisor', 'pool_admin', 'admin', 'hook')),
    ADD CONSTRAINT tokens_hook_check CHECK ((role = 'hook') = (hook IS NOT NULL) AND (hook IS NULL OR agent IS NULL));

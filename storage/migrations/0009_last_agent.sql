-- Who took work of a customer last, and when: whom `prefer.last_agent` asks.
ALTER TABLE activity
    ADD COLUMN agent text,
    ADD COLUMN at_ms bigint;

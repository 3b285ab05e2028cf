-- Assigning somebody to the owner that they have is an assignment too: who has unfollowed follows again, and the time without
-- follow-up runs from then (docs/customer-lists.md, docs/owners.md).

-- As 0024 has it, besides. Gives each of `ids`, which are locked, to the agent at its place. The facts are the caller's to move.
CREATE OR REPLACE FUNCTION give_customers(of integer, ids uuid[], names text[], args jsonb, by_role text, by_agent text)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_members(ids, names);
    WITH given AS (
        SELECT i.id, i.name, c AS was FROM unnest(ids, names) i (id, name) JOIN customers c ON c.id = i.id
    ), done AS (
        -- keep_customer() does the same for a new owner.
        UPDATE customers c
        SET owner = given.name, stage = stage_of(given.name, by_agent), version = c.version + 1, updated_at = now(),
            assigned_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, followed_up_ms = NULL, reminded_ms = NULL
        FROM given WHERE c.id = given.id RETURNING c.id, given.was, c AS is_now
    )
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT of, id, (args ->> 'now_ms')::bigint, 'Assign customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
           customer_changes(was, is_now, NULL, NULL)
    FROM done;
END
$$;

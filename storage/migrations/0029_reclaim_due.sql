-- Taking back reads whom it is time for, by an index, however many others there are: docs/owners.md.

-- Of a pool first those whose owner was not reminded, longest idle first, then the others by when that was. Also for whoever asks
-- what is of a pool, as customers_home_pool, whose place it takes in 0037.
CREATE INDEX customers_home_pool_new ON customers (home_pool, reminded_ms, greatest(assigned_ms, followed_up_ms))
    WHERE home_pool IS NOT NULL AND deleted_at IS NULL;

-- Locks whom it is time to remind or to take back; who is locked by others comes the next time. Asked every few seconds, often
-- since the tables were empty: whatever the planner believes, it walks the index and stops at what is not due.
CREATE FUNCTION due_customers(of integer, now_ms bigint, most bigint) RETURNS uuid[] LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off AS $$
DECLARE
    day_ms constant bigint := 86400000;
    of_pool record;
    ids    uuid[] := '{}';
BEGIN
    FOR of_pool IN
        SELECT p.id, now_ms - (p.reclaim_days - coalesce(p.remind_days, 0)) * day_ms AS remind_since,
               now_ms - p.reclaim_days * day_ms AS back_since, now_ms - coalesce(p.remind_days, 0) * day_ms AS reminded_by
        FROM pools p WHERE p.project = of AND p.reclaim_days IS NOT NULL
    LOOP
        ids := ids || ARRAY(
            SELECT c.id FROM customers c
            WHERE c.home_pool = of_pool.id AND c.deleted_at IS NULL AND c.owner IS NOT NULL AND c.reminded_ms IS NULL
              AND greatest(c.assigned_ms, c.followed_up_ms) <= of_pool.remind_since
            ORDER BY c.reminded_ms, greatest(c.assigned_ms, c.followed_up_ms) LIMIT most - cardinality(ids) FOR UPDATE SKIP LOCKED);
        ids := ids || ARRAY(
            SELECT c.id FROM customers c
            WHERE c.home_pool = of_pool.id AND c.deleted_at IS NULL AND c.owner IS NOT NULL AND c.reminded_ms <= of_pool.reminded_by
              AND greatest(c.assigned_ms, c.followed_up_ms) <= of_pool.back_since
            ORDER BY c.reminded_ms, greatest(c.assigned_ms, c.followed_up_ms) LIMIT most - cardinality(ids) FOR UPDATE SKIP LOCKED);
        EXIT WHEN cardinality(ids) >= most;
    END LOOP;
    RETURN ids;
END
$$;

-- As 0027 has it, but for how the customers are found, and that it says whom it reminded: nobody looks for them in the log.
DROP FUNCTION reclaim_customers(integer, uuid, bigint, bigint, bigint);
CREATE FUNCTION reclaim_customers(of integer, by_instance uuid, by_epoch bigint, now_ms bigint, most bigint,
                                  OUT changed integer, OUT reminded uuid[]) LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    ids     uuid[];
    open_pools uuid[];
    item    record;
    args    jsonb := jsonb_build_object('now_ms', now_ms, 'origin', jsonb_build_object('via', 'reclaim'));
    new     customers;
    was     bigint;
    gone    uuid[] := '{}';
BEGIN
    changed := 0;
    reminded := '{}';
    IF NOT owns_project(of, by_instance, by_epoch) THEN
        RETURN;
    END IF;
    ids := due_customers(of, now_ms, most);
    IF ids = '{}' THEN
        RETURN;
    END IF;
    -- Not out of a pool that somebody is deleting.
    open_pools := ARRAY(
        SELECT p.id FROM pools p
        WHERE p.reclaim_days IS NOT NULL AND p.id IN (SELECT c.home_pool FROM customers c WHERE c.id = ANY (ids))
        ORDER BY p.id FOR KEY SHARE SKIP LOCKED);
    ids := ARRAY(SELECT c.id FROM customers c WHERE c.id = ANY (ids) AND c.home_pool = ANY (open_pools) ORDER BY c.id);
    PERFORM lock_members(ids, '{}');
    FOR item IN
        SELECT c, p FROM customers c JOIN pools p ON p.id = c.home_pool WHERE c.id = ANY (ids) ORDER BY c.id
    LOOP
        changed := changed + 1;
        was := last_follow_up_ms(item.c);
        IF was > idle_since_ms(item.c) THEN
            UPDATE customers c SET followed_up_ms = was, reminded_ms = NULL WHERE c.id = (item.c).id;
        ELSIF (item.p).remind_days IS NOT NULL AND (item.c).reminded_ms IS NULL THEN
            UPDATE customers c SET reminded_ms = reclaim_customers.now_ms WHERE c.id = (item.c).id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Remind owner', 'router', NULL, change_of(
                'returns_at', NULL, time_text(goes_back_ms(new, item.p))));
            reminded := reminded || new.id;
        ELSE
            UPDATE customers c
            SET stage = 'pool', owner = NULL, pool = c.home_pool, previous_owner = c.owner, returned_ms = reclaim_customers.now_ms,
                version = c.version + 1, updated_at = now()
            WHERE c.id = (item.c).id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Back customer', 'router', NULL, customer_changes(
                item.c, new, NULL, NULL) || change_of('reason', NULL, 'no follow-up'));
            gone := gone || new.id;
        END IF;
    END LOOP;
    PERFORM facts_moved(of, gone, '{}');
END
$$;

-- The first row says how many were changed, the others whom to tell.
CREATE OR REPLACE FUNCTION reclaim_and_remind(of integer, by_instance uuid, by_epoch bigint, now_ms bigint, most bigint)
    RETURNS TABLE (done integer, agent text, customer uuid, name text, pool uuid, returns_ms bigint) LANGUAGE plpgsql
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
#variable_conflict use_variable
DECLARE
    did record;
BEGIN
    SELECT r.changed, r.reminded INTO did FROM reclaim_customers(of, by_instance, by_epoch, now_ms, most) r;
    RETURN QUERY SELECT did.changed, NULL::text, NULL::uuid, NULL::text, NULL::uuid, NULL::bigint;
    IF did.reminded <> '{}' THEN
        RETURN QUERY SELECT did.changed, c.owner, c.id, c.name, p.id, goes_back_ms(c, p)
        FROM customers c JOIN pools p ON p.id = c.home_pool WHERE c.id = ANY (did.reminded) ORDER BY c.id;
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION due_customers(integer, bigint, bigint), reclaim_customers(integer, uuid, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION due_customers(integer, bigint, bigint), reclaim_customers(integer, uuid, bigint, bigint, bigint)
    TO patchbay_server;

-- once 3b060e40bc2de57ee74d9fb37d3c87f42b5f3261f67d43056919d5cffc8e88f5

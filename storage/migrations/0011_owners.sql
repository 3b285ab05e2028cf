-- Who has a customer: stages, pools, assignment in turn, and what the router does of itself (docs/owners.md).

ALTER TABLE customers
    ADD home_pool uuid,                       -- out of which its owner has it; NULL: out of none
    ADD reminded_ms bigint,                   -- its owner was told that it goes back to that pool
    ADD considered bigint NOT NULL DEFAULT 0; -- the version of the project file whose `assign` found nothing for it
CREATE INDEX customers_home_pool ON customers (home_pool, greatest(assigned_ms, followed_up_ms))
    WHERE home_pool IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX customers_considered ON customers (project, considered, id)
    WHERE stage = 'to_be_assigned' AND deleted_at IS NULL;
CREATE INDEX customers_reminded ON customers (project, owner, id) WHERE reminded_ms IS NOT NULL AND deleted_at IS NULL;

-- Whose turn it is among those that somebody assigned to before.
CREATE TABLE assign_turns (
    project integer NOT NULL,
    target  text NOT NULL, -- digest of the agents and departments that were asked for
    last    text,          -- the agent who was given the last one
    used_ms bigint NOT NULL,
    PRIMARY KEY (project, target)
);
CREATE INDEX assign_turns_used ON assign_turns (project, used_ms);

-- --- Stages ---

-- '' stands for a customer that is being created.
CREATE FUNCTION legal_stages(stage text) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE stage
        WHEN '' THEN '{new,to_be_assigned,follow_up,mine}'::text[]
        WHEN 'new' THEN '{to_be_assigned,follow_up,mine,pool}'
        WHEN 'to_be_assigned' THEN '{follow_up,mine,pool}'
        WHEN 'follow_up' THEN '{mine,to_be_assigned,pool}'
        WHEN 'mine' THEN '{follow_up,to_be_assigned,pool}'
        WHEN 'pool' THEN '{follow_up,mine,to_be_assigned}'
    END
$$;

CREATE FUNCTION stage_of(owner text, by_agent text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN owner = by_agent THEN 'mine' ELSE 'follow_up' END
$$;

-- Where `stage` and `owner` of an edit, or of a creation (`was_stage` ''), lead to; `fault` says why they may not, and
-- `pointer` which of them.
CREATE FUNCTION stage_move(was_stage text, was_owner text, args jsonb, by_agent text,
                           OUT stage text, OUT owner text, OUT fault text, OUT pointer text) LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    wanted text := args ->> 'stage';
    legal  text := array_to_string(legal_stages(was_stage), ', ');
BEGIN
    owner := CASE
        WHEN args ? 'owner' THEN args ->> 'owner'
        WHEN wanted IN ('new', 'to_be_assigned') THEN NULL
        WHEN wanted = 'mine' THEN coalesce(was_owner, by_agent)
        ELSE was_owner END;
    stage := CASE
        WHEN wanted IS NOT NULL THEN wanted
        WHEN owner IS NOT DISTINCT FROM was_owner THEN coalesce(nullif(was_stage, ''), 'new')
        WHEN owner IS NULL THEN 'to_be_assigned'
        ELSE stage_of(owner, by_agent) END;
    pointer := CASE WHEN wanted IS NULL THEN '/owner' ELSE '/stage' END;
    IF was_stage = 'pool' AND (owner IS NOT NULL OR stage IN ('follow_up', 'mine')) THEN
        fault := 'a customer in a pool is picked up or assigned; an edit can only make it to_be_assigned';
    ELSIF stage <> was_stage AND was_stage = '' AND stage = 'pool' THEN
        fault := format('a customer begins as one of %s; it goes to a pool by being returned to one', legal);
    ELSIF stage <> was_stage AND stage = 'pool' THEN
        fault := format('a customer goes to a pool by being returned to one; from %s the legal stages are %s', was_stage, legal);
    ELSIF stage <> was_stage AND NOT stage = ANY (legal_stages(was_stage)) THEN
        fault := format('from %s the legal stages are %s', was_stage, legal);
    ELSIF owner IS NULL AND stage IN ('follow_up', 'mine') THEN
        fault := format('%s is the stage of customers with an owner; without, the legal stages are new, to_be_assigned, pool',
                        stage);
    ELSIF owner IS NOT NULL AND stage NOT IN ('follow_up', 'mine') THEN
        fault := 'a customer with an owner is in one of follow_up, mine';
    END IF;
END
$$;

-- What must hold whoever writes: an owner, a pool and a stage that belong together, since when, and how many each member
-- holds. The pool's and the member's rows are locked by the counting, after the customer's.
CREATE FUNCTION keep_customer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_new boolean := tg_op = 'INSERT';
    step   record;
BEGIN
    IF new.owner IS NOT NULL THEN
        new.pool := NULL;
        new.stage := CASE WHEN new.stage IN ('follow_up', 'mine') THEN new.stage ELSE 'follow_up' END;
    ELSE
        new.pool := CASE WHEN new.stage = 'pool' THEN new.pool END;
        new.stage := CASE WHEN new.stage IN ('follow_up', 'mine') OR (new.stage = 'pool' AND new.pool IS NULL)
                          THEN 'to_be_assigned' ELSE new.stage END;
        new.home_pool := NULL;
    END IF;
    IF new.pool IS NULL THEN
        new.previous_owner := NULL;
        new.returned_ms := NULL;
    END IF;
    IF is_new OR new.owner IS DISTINCT FROM old.owner THEN
        new.assigned_ms := CASE WHEN new.owner IS NOT NULL THEN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint END;
        new.followed_up_ms := NULL;
        new.reminded_ms := NULL;
    END IF;
    IF is_new THEN
        RETURN new;
    END IF;
    IF new.version <> old.version THEN
        new.considered := 0;
    END IF;
    IF old.pool IS NOT NULL AND new.owner IS NOT NULL THEN
        new.home_pool := old.pool;
    END IF;
    IF (old.home_pool, old.owner, old.deleted_at IS NULL) IS NOT DISTINCT FROM (new.home_pool, new.owner, new.deleted_at IS NULL) THEN
        RETURN new;
    END IF;
    FOR step IN
        SELECT * FROM (VALUES (old.home_pool, old.owner, -1, old.deleted_at IS NULL),
                              (new.home_pool, new.owner, 1, new.deleted_at IS NULL)) s (pool, agent, n, is_there)
        WHERE is_there AND s.pool IS NOT NULL ORDER BY s.pool, s.agent, n
    LOOP
        PERFORM FROM pools p WHERE p.id = step.pool FOR KEY SHARE; -- nobody becomes a member meanwhile
        UPDATE pool_members m SET held = m.held + step.n WHERE m.pool = step.pool AND m.agent = step.agent;
    END LOOP;
    RETURN new;
END
$$;
CREATE TRIGGER customers_keep_new BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION keep_customer();
CREATE TRIGGER customers_keep BEFORE UPDATE OF version, stage, owner, pool, deleted_at ON customers
    FOR EACH ROW EXECUTE FUNCTION keep_customer();
UPDATE customers -- those of before
SET stage = stage, assigned_ms = CASE WHEN owner IS NOT NULL THEN floor(extract(epoch FROM now()) * 1000)::bigint END;

-- As 0010 has it; besides, the administrators of a pool see what its members hold out of it, and who created a customer
-- has no part in it while it is in a pool.
CREATE OR REPLACE FUNCTION right_on(v viewer, c customers) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN c.project <> v.project THEN 0
        WHEN v.role = 'admin' THEN 3
        WHEN c.owner = ANY (v.edits_of) OR c.service_rep = v.agent
             OR (c.owner IS NULL AND c.pool IS NULL AND c.created_by = v.agent) THEN 2
        WHEN c.owner = ANY (v.superior_of) OR c.pool = ANY (v.pools) OR c.pool = ANY (v.admin_pools)
             OR c.home_pool = ANY (v.admin_pools)
             OR (c.owner IS NULL AND v.role IN ('supervisor', 'pool_admin')) THEN 1
        WHEN EXISTS (SELECT FROM shares s
                     WHERE s.customer = c.id
                       AND ((s.kind = 'agent' AND s.name = v.agent) OR (s.kind = 'role' AND s.name = ANY (v.roles))
                            OR (s.kind = 'department' AND s.name = v.department))) THEN 1
        WHEN is_handling(v, c.id) THEN 1
        ELSE 0
    END
$$;

-- --- Pools ---

CREATE FUNCTION pool_json(p pools) RETURNS json LANGUAGE sql STABLE AS $$
    SELECT json_build_object(
        'id', p.id, 'name', p.name, 'cap', p.cap, 'cool_down', p.cool_down_ms / 1000, 'reclaim_days', p.reclaim_days,
        'remind_days', p.remind_days, 'created_at', time_text(p.created_at),
        'customers', (SELECT count(*) FROM customers c WHERE c.pool = p.id AND c.deleted_at IS NULL),
        'members', (SELECT coalesce(json_agg(json_build_object('agent', m.agent, 'is_admin', m.is_admin, 'held', m.held)
                                             ORDER BY m.agent), '[]')
                    FROM pool_members m WHERE m.pool = p.id))
$$;

CREATE FUNCTION manages_pool(v viewer, of uuid) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT v.role = 'admin' OR of = ANY (v.admin_pools)
$$;

-- {pool, agent, is_admin}: a new member, or what an old one is from now on.
CREATE FUNCTION put_pool_member(of integer, by_role text, by_agent text, args jsonb,
                                OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    p pools;
    a text;
BEGIN
    SELECT s.* INTO p FROM pools s WHERE s.project = of AND s.id = (args ->> 'pool')::uuid FOR UPDATE;
    SELECT x.name INTO a FROM agents x WHERE x.project = of AND x.name = args ->> 'agent' AND x.active;
    IF p.id IS NULL THEN
        status := 'not_found'; body := 'there is no such pool';
    ELSIF NOT manages_pool(viewer_of(of, by_role, by_agent), p.id) THEN
        status := 'forbidden'; body := 'you do not administer this pool';
    ELSIF a IS NULL THEN
        status := 'not_found'; body := 'there is no such agent';
    ELSIF (SELECT count(*) FROM pool_members m WHERE m.pool = p.id AND m.agent <> a) >= 1000 THEN
        status := 'invalid'; body := 'a pool has at most 1000 members';
    ELSE
        INSERT INTO pool_members AS m (pool, project, agent, is_admin, held)
        VALUES (p.id, of, a, coalesce((args ->> 'is_admin')::boolean, false), (
            SELECT count(*) FROM customers c WHERE c.home_pool = p.id AND c.owner = a AND c.deleted_at IS NULL))
        ON CONFLICT (pool, agent) DO UPDATE SET is_admin = excluded.is_admin;
        status := 'ok'; body := pool_json(p)::text;
    END IF;
END
$$;

-- {pool}: only an empty one.
CREATE FUNCTION delete_pool(of integer, by_role text, by_agent text, args jsonb,
                            OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    p pools;
    n bigint;
BEGIN
    SELECT s.* INTO p FROM pools s WHERE s.project = of AND s.id = (args ->> 'pool')::uuid FOR UPDATE;
    SELECT count(*) INTO n FROM customers c WHERE c.pool = p.id AND c.deleted_at IS NULL;
    IF p.id IS NULL THEN
        status := 'not_found'; body := 'there is no such pool';
    ELSIF NOT manages_pool(viewer_of(of, by_role, by_agent), p.id) THEN
        status := 'forbidden'; body := 'you do not administer this pool';
    ELSIF n > 0 THEN
        status := 'in_use'; body := format('%s customers are in this pool; only an empty one can be deleted', n);
    ELSE
        body := pool_json(p)::text;
        DELETE FROM pools s WHERE s.id = p.id;
        status := 'ok';
    END IF;
END
$$;

CREATE FUNCTION note_in_log(of integer, ids uuid[], args jsonb, what text, by_role text, by_agent text, changes jsonb)
    RETURNS void LANGUAGE sql AS $$
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT of, id, (args ->> 'now_ms')::bigint, what, actor_of(by_role, by_agent), by_role, args -> 'origin', changes
    FROM unnest(ids) id
$$;

CREATE FUNCTION change_of(field text, old text, new text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN old IS DISTINCT FROM new
                THEN jsonb_build_array(jsonb_build_object('field', field, 'old', old, 'new', new)) ELSE '[]' END
$$;

-- {customer, pool, reason}: without `pool` it goes back to the one that it came out of.
CREATE FUNCTION return_customer(of integer, by_role text, by_agent text, args jsonb,
                                OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    v   viewer := viewer_of(of, by_role, by_agent);
    old customers;
    new customers;
    may integer;
    p   uuid;
BEGIN
    SELECT c.* INTO old FROM customers c
    WHERE c.project = of AND c.id = (args ->> 'customer')::uuid AND c.deleted_at IS NULL FOR UPDATE;
    may := CASE WHEN old.id IS NULL THEN 0 ELSE right_on(v, old) END;
    SELECT s.id INTO p FROM pools s WHERE s.project = of AND s.id = coalesce((args ->> 'pool')::uuid, old.home_pool) FOR SHARE;
    IF may < 1 THEN
        status := 'not_found'; body := 'there is no such customer';
    ELSIF old.pool IS NOT NULL THEN
        status := 'already_taken'; body := 'the customer is in a pool already';
    ELSIF NOT (may = 3 OR coalesce(old.owner = by_agent, false) OR coalesce(old.home_pool = ANY (v.admin_pools), false)
               OR (old.owner IS NULL AND (may = 2 OR by_role IN ('supervisor', 'pool_admin')))) THEN
        status := 'forbidden'; body := 'only its owner or an administrator may return a customer';
    ELSIF NOT args ? 'pool' AND p IS NULL THEN
        status := 'invalid'; body := 'is required: the customer came out of no pool that is still there'; pointer := '/pool';
    ELSIF p IS NULL THEN
        status := 'not_found'; body := 'there is no such pool'; pointer := '/pool';
    ELSE
        UPDATE customers c
        SET stage = 'pool', owner = NULL, pool = p, previous_owner = old.owner, returned_ms = (args ->> 'now_ms')::bigint,
            version = c.version + 1, updated_at = now()
        WHERE c.id = old.id RETURNING c.* INTO new;
        PERFORM note_in_log(of, ARRAY[new.id], args, 'Back customer', by_role, by_agent,
                            customer_changes(old, new, NULL, NULL) || change_of('reason', NULL, args ->> 'reason'));
        PERFORM facts_moved(of, ARRAY[new.id], '{}');
        status := 'ok'; body := customer_json(new, contacts_json(new.id))::text;
    END IF;
END
$$;

-- {customer}: the first one has it; whoever comes later and is of the same pool is told so.
CREATE FUNCTION pick_up_customer(of integer, by_role text, by_agent text, args jsonb,
                                 OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    v      viewer := viewer_of(of, by_role, by_agent);
    now_ms bigint := (args ->> 'now_ms')::bigint;
    old    customers;
    new    customers;
    p      pools;
    holds  integer;
BEGIN
    SELECT c.* INTO old FROM customers c
    WHERE c.project = of AND c.id = (args ->> 'customer')::uuid AND c.deleted_at IS NULL FOR UPDATE;
    IF old.id IS NULL OR (right_on(v, old) < 1 AND NOT coalesce(old.home_pool = ANY (v.pools), false)) THEN
        status := 'not_found'; body := 'there is no such customer';
    ELSIF old.pool IS NULL AND old.owner IS NOT NULL THEN
        status := 'already_taken'; body := 'the customer is in no pool any more: it has an owner';
    ELSIF old.pool IS NULL THEN
        status := 'invalid'; body := format('a customer of stage %s is in no pool; from there the legal stages are %s', old.stage,
                                            array_to_string(legal_stages(old.stage), ', '));
    ELSE
        SELECT s.* INTO p FROM pools s WHERE s.id = old.pool FOR KEY SHARE; -- before its members, as everywhere
        SELECT m.held INTO holds FROM pool_members m WHERE m.pool = old.pool AND m.agent = by_agent FOR UPDATE;
        IF holds IS NULL THEN
            status := 'forbidden'; body := 'only members of its pool may pick a customer up';
        ELSIF old.previous_owner = by_agent AND now_ms < old.returned_ms + p.cool_down_ms THEN
            status := 'agent_unavailable';
            body := format('you gave this customer back: it can be yours again at %s', time_text(old.returned_ms + p.cool_down_ms));
        ELSIF holds >= p.cap THEN
            status := 'agent_unavailable'; body := format('you hold %s customers out of this pool, which is the most', holds);
        ELSE
            UPDATE customers c SET stage = 'mine', owner = by_agent, version = c.version + 1, updated_at = now()
            WHERE c.id = old.id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Pick up customer', by_role, by_agent,
                                customer_changes(old, new, NULL, NULL));
            PERFORM facts_moved(of, ARRAY[new.id], '{}');
            status := 'ok'; body := customer_json(new, contacts_json(new.id))::text;
        END IF;
    END IF;
END
$$;

-- {customers, pool}: from pool to pool. Gives [{customer, status, detail}].
CREATE FUNCTION regroup_customers(of integer, by_role text, by_agent text, args jsonb,
                                  OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    v     viewer := viewer_of(of, by_role, by_agent);
    ids   uuid[] := ARRAY(SELECT jsonb_array_elements_text(args -> 'customers')::uuid);
    p     uuid;
    items jsonb;
BEGIN
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    SELECT s.id INTO p FROM pools s WHERE s.project = of AND s.id = (args ->> 'pool')::uuid FOR SHARE;
    IF p IS NULL THEN
        status := 'not_found'; body := 'there is no such pool'; pointer := '/pool';
        RETURN;
    END IF;
    IF NOT manages_pool(v, p) AND by_role <> 'pool_admin' THEN
        status := 'forbidden'; body := 'you do not administer this pool'; pointer := '/pool';
        RETURN;
    END IF;
    SELECT jsonb_agg(CASE
        WHEN c.id IS NULL THEN jsonb_build_object('customer', i.id, 'status', 'not_found')
        WHEN c.pool IS NULL THEN jsonb_build_object('customer', i.id, 'status', 'invalid', 'detail', 'is in no pool')
        WHEN NOT manages_pool(v, c.pool) THEN jsonb_build_object('customer', i.id, 'status', 'forbidden', 'detail',
                                                                 'you do not administer its pool')
        ELSE jsonb_build_object('customer', i.id, 'status', 'ok') END ORDER BY n)
    INTO items
    FROM unnest(ids) WITH ORDINALITY i (id, n)
    LEFT JOIN customers c ON c.id = i.id AND c.project = of AND c.deleted_at IS NULL AND right_on(v, c) >= 1;
    WITH moving AS (
        SELECT c.id, c AS was FROM customers c
        WHERE c.id IN (SELECT (item ->> 'customer')::uuid FROM jsonb_array_elements(items) item WHERE item ->> 'status' = 'ok')
          AND c.pool <> p
    ), moved AS (
        UPDATE customers c SET pool = p, version = c.version + 1, updated_at = now()
        FROM moving WHERE c.id = moving.id RETURNING c.id, moving.was, c AS is_now
    )
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT of, id, (args ->> 'now_ms')::bigint, 'Regroup customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
           customer_changes(was, is_now, NULL, NULL)
    FROM moved;
    status := 'ok'; body := coalesce(items, '[]')::text;
END
$$;

-- --- Assigning ---

-- The agents meant, by name; `fault` when one of them is not there.
CREATE FUNCTION assignees(of integer, args jsonb, OUT names text[], OUT fault text, OUT pointer text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT format('there is no agent "%s"', x), '/agents' INTO fault, pointer
    FROM jsonb_array_elements_text(args -> 'agents') x
    WHERE NOT EXISTS (SELECT FROM agents a WHERE a.project = of AND a.name = x AND a.active) LIMIT 1;
    IF fault IS NULL THEN
        SELECT format('nobody is of department "%s"', x), '/departments' INTO fault, pointer
        FROM jsonb_array_elements_text(args -> 'departments') x
        WHERE NOT EXISTS (SELECT FROM agents a WHERE a.project = of AND a.department = x AND a.active) LIMIT 1;
    END IF;
    IF fault IS NULL THEN
        names := ARRAY(SELECT a.name FROM agents a
                       WHERE a.project = of AND a.active AND (args -> 'agents' ? a.name OR args -> 'departments' ? a.department)
                       ORDER BY a.name COLLATE "C");
        IF cardinality(names) = 0 THEN
            fault := 'agents or departments are required';
        END IF;
    END IF;
END
$$;

-- `count` agents in turn, going on behind the last one. The turn's row is locked until the commit; the turns that were not
-- used for longest are forgotten beyond 1,000 of a project.
CREATE FUNCTION take_turns(of integer, args jsonb, names text[], count integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    key   text := md5(jsonb_build_array(
        ARRAY(SELECT DISTINCT x FROM jsonb_array_elements_text(args -> 'agents') x ORDER BY x),
        ARRAY(SELECT DISTINCT x FROM jsonb_array_elements_text(args -> 'departments') x ORDER BY x))::text);
    was   text;
    first integer;
    given text[];
BEGIN
    IF count = 0 THEN
        RETURN '{}';
    END IF;
    INSERT INTO assign_turns (project, target, used_ms) VALUES (of, key, (args ->> 'now_ms')::bigint) ON CONFLICT DO NOTHING;
    IF FOUND THEN
        DELETE FROM assign_turns t USING (SELECT o.target FROM assign_turns o WHERE o.project = of
                                          ORDER BY o.used_ms DESC, o.target OFFSET 1000) old
        WHERE t.project = of AND t.target = old.target AND t.target <> key;
    END IF;
    SELECT t.last INTO was FROM assign_turns t WHERE t.project = of AND t.target = key FOR UPDATE;
    first := (SELECT count(*) FROM unnest(names) x WHERE x COLLATE "C" <= was COLLATE "C");
    given := ARRAY(SELECT names[1 + (first + n) % cardinality(names)] FROM generate_series(0, count - 1) n ORDER BY n);
    UPDATE assign_turns t SET last = given[count], used_ms = greatest(t.used_ms, (args ->> 'now_ms')::bigint)
    WHERE t.project = of AND t.target = key;
    RETURN given;
END
$$;

-- Gives each of `ids`, which are locked, to the agent at its place. The facts are the caller's to move.
CREATE FUNCTION give_customers(of integer, ids uuid[], names text[], args jsonb, by_role text, by_agent text)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH given AS (
        SELECT i.id, i.name, c AS was FROM unnest(ids, names) i (id, name) JOIN customers c ON c.id = i.id
    ), done AS (
        UPDATE customers c
        SET owner = given.name, stage = stage_of(given.name, by_agent), version = c.version + 1, updated_at = now()
        FROM given WHERE c.id = given.id RETURNING c.id, given.was, c AS is_now
    )
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT of, id, (args ->> 'now_ms')::bigint, 'Assign customer', actor_of(by_role, by_agent), by_role, args -> 'origin',
           customer_changes(was, is_now, NULL, NULL)
    FROM done;
END
$$;

-- {customers, agents, departments}: evenly, in turn. Gives [{customer, status, detail}].
CREATE FUNCTION assign_customers(of integer, by_role text, by_agent text, args jsonb,
                                 OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    v     viewer := viewer_of(of, by_role, by_agent);
    ids   uuid[] := ARRAY(SELECT jsonb_array_elements_text(args -> 'customers')::uuid);
    names text[];
    fault text;
    items jsonb;
    good  uuid[];
BEGIN
    SELECT a.names, a.fault, a.pointer INTO names, fault, pointer FROM assignees(of, args) a;
    IF fault IS NOT NULL THEN
        status := 'invalid'; body := fault;
        RETURN;
    END IF;
    PERFORM FROM customers c WHERE c.project = of AND c.id = ANY (ids) ORDER BY c.id FOR UPDATE;
    SELECT jsonb_agg(CASE
               WHEN c.id IS NULL THEN jsonb_build_object('customer', i.id, 'status', 'not_found')
               WHEN may THEN jsonb_build_object('customer', i.id, 'status', 'ok')
               ELSE jsonb_build_object('customer', i.id, 'status', 'forbidden', 'detail', 'you may not assign this customer')
               END ORDER BY n),
           array_agg(i.id ORDER BY n) FILTER (WHERE may)
    INTO items, good
    FROM unnest(ids) WITH ORDINALITY i (id, n)
    LEFT JOIN customers c ON c.id = i.id AND c.project = of AND c.deleted_at IS NULL AND right_on(v, c) >= 1
    CROSS JOIN LATERAL (SELECT c.id IS NOT NULL AND coalesce(
        right_on(v, c) = 3 OR (right_on(v, c) = 2 AND c.pool IS NULL) OR c.pool = ANY (v.admin_pools)
        OR c.home_pool = ANY (v.admin_pools) OR by_role IN ('supervisor', 'pool_admin'), false)) m (may);
    IF good IS NOT NULL THEN
        PERFORM give_customers(of, good, take_turns(of, args, names, cardinality(good)), args, by_role, by_agent);
        PERFORM facts_moved(of, good, '{}');
    END IF;
    status := 'ok'; body := coalesce(items, '[]')::text;
END
$$;

-- {customer, agents, departments}
CREATE FUNCTION assign_customer(of integer, by_role text, by_agent text, args jsonb,
                                OUT status text, OUT body text, OUT pointer text) LANGUAGE plpgsql AS $$
DECLARE
    item jsonb;
BEGIN
    SELECT a.status, a.body, a.pointer INTO status, body, pointer
    FROM assign_customers(of, by_role, by_agent, args || jsonb_build_object('customers', jsonb_build_array(args -> 'customer'))) a;
    IF status <> 'ok' THEN
        RETURN;
    END IF;
    item := body::jsonb -> 0;
    status := item ->> 'status';
    body := CASE status
        WHEN 'ok' THEN (SELECT customer_json(c, contacts_json(c.id))::text FROM customers c WHERE c.id = (args ->> 'customer')::uuid)
        WHEN 'not_found' THEN 'there is no such customer'
        ELSE item ->> 'detail' END;
END
$$;

-- --- What the router that owns the project does of itself: a page at once, and only while the fence says so. ---

CREATE FUNCTION owns_project(of integer, by_instance uuid, by_epoch bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM fences f WHERE f.project = of AND f.owner = by_instance AND f.epoch = by_epoch)
$$;

-- items: [{customer, version, rule, agents, departments, pool}]; without a rule nothing matched. Who has changed since it was
-- looked at, is looked at again; what names nobody who is still there, with the next file.
CREATE FUNCTION assign_by_rules(of integer, by_instance uuid, by_epoch bigint, with_file bigint, now_ms bigint, items jsonb)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    item  record;
    args  jsonb;
    names text[];
    p     uuid;
    old   customers;
    new   customers;
    given uuid[] := '{}';
BEGIN
    IF NOT owns_project(of, by_instance, by_epoch) THEN
        RETURN 0;
    END IF;
    PERFORM FROM customers c
    WHERE c.id IN (SELECT (i ->> 'customer')::uuid FROM jsonb_array_elements(items) i) ORDER BY c.id FOR UPDATE;
    FOR item IN
        SELECT c.id, i.value FROM jsonb_array_elements(items) WITH ORDINALITY i (value, n)
        JOIN customers c ON c.id = (i.value ->> 'customer')::uuid
        WHERE c.project = of AND c.stage = 'to_be_assigned' AND c.deleted_at IS NULL
          AND c.version = (i.value ->> 'version')::bigint
        ORDER BY n
    LOOP
        args := item.value || jsonb_build_object('now_ms', now_ms,
                                                 'origin', jsonb_build_object('via', 'rule', 'rule', item.value -> 'rule'));
        names := (SELECT a.names FROM assignees(of, args) a WHERE a.fault IS NULL);
        p := (SELECT s.id FROM pools s WHERE s.project = of AND s.name = args ->> 'pool');
        PERFORM FROM pools s WHERE s.id = p FOR SHARE;
        p := CASE WHEN FOUND THEN p END; -- or it was deleted meanwhile
        IF p IS NOT NULL THEN
            SELECT c.* INTO old FROM customers c WHERE c.id = item.id;
            UPDATE customers c
            SET stage = 'pool', pool = p, returned_ms = assign_by_rules.now_ms, version = c.version + 1, updated_at = now()
            WHERE c.id = item.id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[item.id], args, 'Assign customer', 'router', NULL, customer_changes(old, new, NULL, NULL));
            given := given || item.id;
        ELSIF cardinality(names) > 0 THEN
            PERFORM give_customers(of, ARRAY[item.id], take_turns(of, args, names, 1), args, 'router', NULL);
            given := given || item.id;
        ELSE
            UPDATE customers c SET considered = with_file WHERE c.id = item.id;
        END IF;
    END LOOP;
    PERFORM facts_moved(of, given, '{}');
    RETURN cardinality(given);
END
$$;

-- Since when its owner has done nothing for it, as far as it was looked at; and when it goes back, which is never before its
-- owner was reminded in time.
CREATE FUNCTION idle_since_ms(c customers) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(c.assigned_ms, c.followed_up_ms)
$$;

CREATE FUNCTION goes_back_ms(c customers, p pools) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(idle_since_ms(c) + p.reclaim_days * 86400000::bigint,
                    CASE WHEN p.remind_days IS NOT NULL THEN c.reminded_ms + p.remind_days * 86400000::bigint END)
$$;

-- The owner's newest entry in the log, and the newest interaction if the owner took it.
CREATE FUNCTION last_follow_up_ms(c customers) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(
        (SELECT max(l.at_ms) FROM customer_log l WHERE l.customer = c.id AND l.actor = c.owner AND l.at_ms >= c.assigned_ms),
        (SELECT a.at_ms FROM activity a WHERE a.customer = c.id AND a.agent = c.owner AND a.at_ms >= c.assigned_ms))
$$;

CREATE FUNCTION reclaim_customers(of integer, by_instance uuid, by_epoch bigint, now_ms bigint, most bigint)
    RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    item    record;
    args    jsonb := jsonb_build_object('now_ms', now_ms, 'origin', jsonb_build_object('via', 'reclaim'));
    new     customers;
    was     bigint;
    changed integer := 0;
    gone    uuid[] := '{}';
BEGIN
    IF NOT owns_project(of, by_instance, by_epoch) THEN
        RETURN 0;
    END IF;
    FOR item IN
        SELECT c, p FROM pools p JOIN customers c ON c.home_pool = p.id
        WHERE p.project = of AND p.reclaim_days IS NOT NULL AND c.deleted_at IS NULL AND c.owner IS NOT NULL
          AND greatest(c.assigned_ms, c.followed_up_ms)
              <= now_ms - (p.reclaim_days - coalesce(p.remind_days, 0)) * 86400000::bigint
          AND (p.remind_days IS NULL OR c.reminded_ms IS NULL OR goes_back_ms(c, p) <= now_ms)
        ORDER BY c.id LIMIT most FOR UPDATE OF c SKIP LOCKED FOR KEY SHARE OF p SKIP LOCKED
    LOOP
        changed := changed + 1;
        was := last_follow_up_ms(item.c);
        IF was > idle_since_ms(item.c) THEN
            UPDATE customers c SET followed_up_ms = was, reminded_ms = NULL WHERE c.id = (item.c).id;
        ELSIF (item.p).remind_days IS NOT NULL AND (item.c).reminded_ms IS NULL THEN
            UPDATE customers c SET reminded_ms = reclaim_customers.now_ms WHERE c.id = (item.c).id RETURNING c.* INTO new;
            PERFORM note_in_log(of, ARRAY[new.id], args, 'Remind owner', 'router', NULL, change_of(
                'returns_at', NULL, time_text(goes_back_ms(new, item.p))));
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
    RETURN changed;
END
$$;

-- --- Blocks, in the log ---

CREATE FUNCTION block_in_log(b blacklist) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN b.id IS NOT NULL THEN jsonb_build_object(
        'id', b.id, 'channels', channels_json(b.channels), 'reason', b.reason, 'until', time_text(b.until_ms)) END
$$;

CREATE FUNCTION block_changes(old blacklist, new blacklist) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(jsonb_build_object('field', 'block', 'old', block_in_log(old), 'new', block_in_log(new)))
$$;

GRANT SELECT, INSERT, UPDATE, DELETE ON assign_turns TO patchbay_server;
REVOKE EXECUTE ON FUNCTION legal_stages(text), stage_of(text, text), stage_move(text, text, jsonb, text), keep_customer(),
    pool_json(pools), manages_pool(viewer, uuid), put_pool_member(integer, text, text, jsonb),
    delete_pool(integer, text, text, jsonb), note_in_log(integer, uuid[], jsonb, text, text, text, jsonb),
    change_of(text, text, text), return_customer(integer, text, text, jsonb), pick_up_customer(integer, text, text, jsonb),
    regroup_customers(integer, text, text, jsonb), assignees(integer, jsonb), take_turns(integer, jsonb, text[], integer),
    give_customers(integer, uuid[], text[], jsonb, text, text), assign_customers(integer, text, text, jsonb),
    assign_customer(integer, text, text, jsonb), block_in_log(blacklist), block_changes(blacklist, blacklist),
    owns_project(integer, uuid, bigint),
    assign_by_rules(integer, uuid, bigint, bigint, bigint, jsonb), idle_since_ms(customers), goes_back_ms(customers, pools),
    last_follow_up_ms(customers), reclaim_customers(integer, uuid, bigint, bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION legal_stages(text), stage_of(text, text), stage_move(text, text, jsonb, text),
    pool_json(pools), manages_pool(viewer, uuid), put_pool_member(integer, text, text, jsonb),
    delete_pool(integer, text, text, jsonb), note_in_log(integer, uuid[], jsonb, text, text, text, jsonb),
    change_of(text, text, text), return_customer(integer, text, text, jsonb), pick_up_customer(integer, text, text, jsonb),
    regroup_customers(integer, text, text, jsonb), assignees(integer, jsonb), take_turns(integer, jsonb, text[], integer),
    give_customers(integer, uuid[], text[], jsonb, text, text), assign_customers(integer, text, text, jsonb),
    assign_customer(integer, text, text, jsonb), block_in_log(blacklist), block_changes(blacklist, blacklist),
    owns_project(integer, uuid, bigint),
    assign_by_rules(integer, uuid, bigint, bigint, bigint, jsonb), idle_since_ms(customers), goes_back_ms(customers, pools),
    last_follow_up_ms(customers), reclaim_customers(integer, uuid, bigint, bigint, bigint) TO patchbay_server;

-- One batch, one statement, one round trip. Everything hangs on the fence: when another owns the project, when the
-- journal moved, or when the facts that were decided on are no longer current, the update finds no row and nothing of
-- the batch is written. Returns whether it was, and the facts' version then. Arrays run in parallel, one per column. With
-- $106, the keys that it was decided on, facts that moved on are no harm unless what changed concerns one of them.
--
-- A batch without rows for a part marked below is sent as a variant without that part (cmake/embed_sql.cmake makes them):
-- setting up each statement costs time, rows or not, and a lone event fills few.
WITH fence AS (
    UPDATE fences
    SET journal_seq = $5::bigint, published_seq = greatest(published_seq, $7::bigint), last_ms = $8::bigint,
        lease_until = now() + $9::bigint * interval '1 millisecond'
    WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint AND journal_seq = $4::bigint
      AND (facts_version = $6::bigint OR (SELECT facts_allow($1::integer, $6::bigint, $106::text[])))
    RETURNING project, facts_version
), journal_rows AS (
    INSERT INTO journal (project, seq, at_ms, kind, event_key, digest, interaction, config_version, input, facts, decision)
    SELECT f.project, u.seq, u.at_ms, u.kind, u.event_key, u.digest, u.interaction, $11::bigint, u.input, u.facts,
           u.decision
    FROM fence f, unnest($12::bigint[], $13::bigint[], $14::smallint[], $15::uuid[], $16::uuid[], $17::uuid[],
        $18::bytea[], $19::bytea[], $20::bytea[])
        AS u (seq, at_ms, kind, event_key, digest, interaction, input, facts, decision)
), content_rows AS ( -- part: arrivals
    INSERT INTO content (project, seq, at_ms, phone, email, party_id, name, recipient, phone_key, email_key, source,
                         subject, title, body, attributes, fields)
    SELECT f.project, u.* FROM fence f, unnest($21::bigint[], $22::bigint[], $23::text[], $24::text[], $25::text[],
        $26::text[], $27::text[], $28::text[], $29::text[], $30::text[], $31::text[], $32::text[], $33::text[], $34::text[],
        $98::text[])
        AS u (seq, at_ms, phone, email, party_id, name, recipient, phone_key, email_key, source, subject, title, body,
              attributes, fields)
), new_interactions AS ( -- part: arrivals
    INSERT INTO interactions (project, id, channel, outbound, conversation, opened_seq, opened_ms, state, queue, priority,
                              enqueued_ms, agent, offer, offered_ms, expires_ms, accepted_ms, attempts, identity, customer,
                              candidates, closed_ms, cause, routing)
    SELECT f.project, u.id, u.channel, u.outbound, u.conversation, u.opened_seq, u.opened_ms, u.state, u.queue, u.priority,
           u.enqueued_ms, u.agent, u.offer, u.offered_ms, u.expires_ms, u.accepted_ms, u.attempts, u.identity, u.customer,
           u.candidates::uuid[], u.closed_ms, u.cause, u.routing
    FROM fence f, unnest($35::uuid[], $36::smallint[], $37::boolean[], $38::uuid[], $39::bigint[], $40::bigint[],
        $41::smallint[], $42::text[], $43::integer[], $44::bigint[], $45::text[], $46::uuid[], $47::bigint[],
        $48::bigint[], $49::bigint[], $50::integer[], $51::smallint[], $52::uuid[], $53::text[], $54::bigint[], $55::text[],
        $96::bytea[])
        AS u (id, channel, outbound, conversation, opened_seq, opened_ms, state, queue, priority, enqueued_ms, agent, offer,
              offered_ms, expires_ms, accepted_ms, attempts, identity, customer, candidates, closed_ms, cause, routing)
), moved_interactions AS ( -- part: moves
    UPDATE interactions i
    SET state = u.state, queue = u.queue, priority = u.priority, enqueued_ms = u.enqueued_ms, agent = u.agent,
        offer = u.offer, offered_ms = u.offered_ms, expires_ms = u.expires_ms, accepted_ms = u.accepted_ms, attempts = u.attempts, identity = u.identity,
        customer = u.customer, candidates = u.candidates::uuid[], closed_ms = u.closed_ms, cause = u.cause, routing = u.routing
    FROM fence f, unnest($56::uuid[], $57::smallint[], $58::text[], $59::text[], $60::uuid[], $61::bigint[], $62::bigint[],
        $63::bigint[], $64::integer[], $65::smallint[], $66::uuid[], $67::text[], $68::bigint[], $69::text[],
        $97::bytea[], $104::integer[], $105::bigint[])
        AS u (id, state, queue, agent, offer, offered_ms, expires_ms, accepted_ms, attempts, identity, customer, candidates,
              closed_ms, cause, routing, priority, enqueued_ms)
    -- The bounds say nothing new, but known before the first row: days outside them are not even set up. Said of the rows of the
    -- batch too, they are thought to be few: else all interactions between the bounds are read, for each row of a large batch.
    WHERE i.id = u.id AND i.id BETWEEN $112::uuid AND $113::uuid AND u.id BETWEEN $112::uuid AND $113::uuid
), agent_rows AS (
    UPDATE agents a
    SET state = u.state, reason = u.reason, lease_ms = u.lease_ms, lease_until = u.lease_until,
        grace_until = u.grace_until, wrap_until = u.wrap_until, cool_until = u.cool_until, misses = u.misses,
        idle_since = u.idle_since, agentsequence = u.agentsequence, turn_call = u.turn_call, turn_chat = u.turn_chat,
        turn_email = u.turn_email
    FROM fence f, unnest($70::text[], $71::smallint[], $72::text[], $73::bigint[], $74::bigint[], $75::bigint[],
        $76::bigint[], $77::bigint[], $78::integer[], $79::bigint[], $80::bigint[], $99::bigint[], $100::bigint[],
        $101::bigint[])
        AS u (name, state, reason, lease_ms, lease_until, grace_until, wrap_until, cool_until, misses, idle_since,
              agentsequence, turn_call, turn_chat, turn_email)
    -- `project + 0`: by name alone, or a plan that was made for an empty table reads every agent for every row.
    WHERE a.project + 0 = f.project AND a.name = u.name
), feed_rows AS (
    INSERT INTO feed (project, agent, agentsequence, at_ms, seq, n)
    SELECT f.project, u.* FROM fence f, unnest($81::text[], $82::bigint[], $83::bigint[], $84::bigint[], $85::integer[])
        AS u (agent, agentsequence, at_ms, seq, n)
), customer_rows AS ( -- part: made
    INSERT INTO customers (project, id, name, source, stage)
    SELECT f.project, u.*, coalesce((SELECT s.settings #>> '{create,stage}' FROM customer_settings s
                                     WHERE s.project = f.project), 'new')
    FROM fence f, unnest($86::uuid[], $87::text[], $88::text[]) AS u (id, name, source)
), contact_rows AS ( -- part: made
    INSERT INTO contacts (project, position, customer, phone, email, phone_key, email_key)
    SELECT f.project, 0, u.* FROM fence f, unnest($86::uuid[], $89::text[], $90::text[], $91::text[], $92::text[])
        AS u (customer, phone, email, phone_key, email_key)
), log_rows AS ( -- part: made
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT f.project, u.id, $8::bigint, 'Create customer', 'router', 'router', '{"via": "routing"}',
           jsonb_build_array(
               jsonb_build_object('field', 'name', 'old', null, 'new', u.name),
               jsonb_build_object('field', 'source', 'old', null, 'new', u.source),
               jsonb_build_object('field', 'contacts', 'old', null, 'new', jsonb_build_array(
                   jsonb_build_object('label', null, 'phone', u.phone, 'email', u.email))))
    FROM fence f, unnest($86::uuid[], $87::text[], $88::text[], $89::text[], $90::text[])
        AS u (id, name, source, phone, email)
), link_rows AS ( -- part: rare
    INSERT INTO interaction_customers (project, interaction, seq, at_ms, actor, before, after)
    SELECT f.project, u.interaction, u.seq, $8::bigint, u.log::jsonb ->> 'actor', u.before, u.after
    FROM fence f, unnest($107::bigint[], $108::uuid[], $109::uuid[], $110::uuid[], $111::text[])
        AS u (seq, interaction, before, after, log)
), link_log_rows AS ( -- part: rare
    INSERT INTO customer_log (project, customer, at_ms, operation, actor, role, origin, changes)
    SELECT f.project, c.customer, $8::bigint, 'Link customer', u.log ->> 'actor', u.log ->> 'role', u.log -> 'origin',
           jsonb_build_array(jsonb_build_object('field', 'interaction', 'old', c.old, 'new', c.new),
                             jsonb_build_object('field', 'customer', 'old', u.before, 'new', u.after))
    FROM fence f, LATERAL (
        SELECT r.interaction, r.before, r.after, r.log::jsonb AS log
        FROM unnest($108::uuid[], $109::uuid[], $110::uuid[], $111::text[]) AS r (interaction, before, after, log)
    ) u, LATERAL (VALUES (u.before, u.interaction, NULL), (u.after, NULL, u.interaction)) AS c (customer, old, new)
    WHERE c.customer IS NOT NULL
), activity_rows AS (
    INSERT INTO activity AS a (customer, interaction, agent, at_ms)
    SELECT u.* FROM fence f, unnest($93::uuid[], $94::uuid[], $102::text[], $103::bigint[])
        AS u (customer, interaction, agent, at_ms)
    ON CONFLICT (customer) DO UPDATE
    SET interaction = excluded.interaction, agent = coalesce(excluded.agent, a.agent),
        at_ms = coalesce(excluded.at_ms, a.at_ms)
), hit_rows AS ( -- part: rare
    -- Hits (0), the row that takes a block, and, negative, the row that takes it back.
    UPDATE blacklist b
    SET hits = b.hits + u.hits, taken_seq = coalesce(b.taken_seq, u.taken_seq), lift_seq = coalesce(b.lift_seq, u.lift_seq)
    FROM fence f, (SELECT id, count(*) FILTER (WHERE taken = 0) AS hits, min(taken) FILTER (WHERE taken > 0) AS taken_seq,
                          -max(taken) FILTER (WHERE taken < 0) AS lift_seq
                   FROM unnest($10::uuid[], $95::bigint[]) AS h (id, taken) GROUP BY id) AS u
    WHERE b.id = u.id
)
SELECT EXISTS (SELECT FROM fence), (SELECT facts_version FROM fence)

SELECT name, state, coalesce(reason, ''), lease_ms, lease_until, grace_until, wrap_until, cool_until, misses, idle_since,
       agentsequence, turn_call, turn_chat, turn_email
FROM agents WHERE project = $1::integer AND (active OR agentsequence > 0)

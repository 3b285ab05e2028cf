-- Brings up to date what finds customers, for at most $4 of them: whom to tell of what was just heard, and whether there is more.
SELECT agent, customer, interaction, channel, at_ms, more
FROM index_customers($1::integer, $2::uuid, $3::bigint, $4::bigint)

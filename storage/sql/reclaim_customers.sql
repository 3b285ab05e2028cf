-- $1 project, $2 its owner, $3 epoch, $4 now, $5 how many at most. The first row says how many went back or had their owner reminded;
-- the others are whom to tell.
SELECT done, agent, customer, name, pool, returns_ms
FROM reclaim_and_remind($1::integer, $2::uuid, $3::bigint, $4::bigint, $5::bigint)

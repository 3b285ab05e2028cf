-- $1 project, $2 its owner, $3 epoch, $4 now, $5 how many at most -> how many went back or had their owner reminded.
SELECT reclaim_customers($1::integer, $2::uuid, $3::bigint, $4::bigint, $5::bigint)

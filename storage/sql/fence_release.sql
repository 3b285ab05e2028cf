-- Gives the project up in an orderly way, so that the next one need not wait.
UPDATE fences SET owner = NULL, address = NULL, lease_until = '-infinity',
       published_seq = greatest(published_seq, $4::bigint)
WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint
RETURNING project

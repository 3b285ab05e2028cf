-- Drops the oldest changes up to version $4, a page of $5 at most. Only the owner may: whoever takes the project after it
-- begins with a version that is no older. Says how many went.
WITH gone AS (
    DELETE FROM changes
    WHERE project = $1::integer AND version <= $4::bigint
      AND version < (SELECT min(version) FROM changes WHERE project = $1::integer) + $5::bigint
      AND EXISTS (SELECT FROM fences WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint)
    RETURNING version
)
SELECT count(*) FROM gone

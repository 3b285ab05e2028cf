-- $1 project, $2 owner, $3 epoch, $4 page -> as fill_field_indexes() says; 0 for whoever is not the owner.
SELECT CASE WHEN EXISTS (SELECT FROM fences WHERE project = $1::integer AND owner = $2::uuid AND epoch = $3::bigint)
            THEN fill_field_indexes($1::integer, $4::integer) ELSE 0 END

-- Takes a project: one whose lease has run out, or whose owner's connection is gone. Returns the fence as it is from now
-- on, or nothing; at the end the version of the configuration that the journal's last row was decided with.
UPDATE fences f
SET owner = $2::uuid, address = $3, epoch = epoch + 1, lease_until = now() + $4::bigint * interval '1 millisecond'
WHERE f.project = $1::integer
  AND (f.owner IS NULL OR f.owner = $2::uuid OR f.lease_until < now()
       OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'patchbay writer ' || f.owner::text))
RETURNING epoch, journal_seq, facts_version, config_version, published_seq, last_ms,
          coalesce((SELECT j.config_version FROM journal j
                    WHERE j.project = f.project AND j.seq = f.journal_seq AND j.at_ms = f.last_ms), config_version)

-- Who owns a project, for not_owner and for the tests of a batch that found no row.
SELECT owner, coalesce(address, ''), epoch, journal_seq, facts_version, config_version FROM fences
WHERE project = $1::integer

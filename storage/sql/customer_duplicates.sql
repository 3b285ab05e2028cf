-- {after, limit}: keys that several customers have of which the caller sees at least two. At most 500 keys are looked at for one
-- page, so that it may be short, or empty, and still have a next one.
SELECT 'ok', duplicates_page($1::integer, $2::text, $3::text, $4::jsonb)::text, NULL

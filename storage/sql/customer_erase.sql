-- {customer, former: [{kind, text, key}], most}: everything but the content of the journal, which customer_erase_content.sql goes
-- through. Contacts of before whose keys were never given come back as `unknown`, at most `most`: nothing is erased yet, and those
-- that were given are kept.
WITH call (project, role, agent, args) AS (SELECT $1::integer, $2::text, $3::text, $4::jsonb)
SELECT e.outcome, e.answer, e.pointer FROM erase_customer($1, $2, $3, $4) e

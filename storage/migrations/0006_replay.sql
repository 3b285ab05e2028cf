-- What makes the journal complete: with these a router loads exactly what the core was after the last row, and journals what
-- is newer as inputs of their own. Rows of the journal that are older than this migration cannot be replayed: their form
-- (version 1 of rules/record.h) is no longer read.

-- The rows of the journal that took a block and took it back; NULL: the journal does not know it yet.
ALTER TABLE blacklist ADD taken_seq bigint, ADD lift_seq bigint;
UPDATE blacklist SET taken_seq = 0, lift_seq = CASE WHEN lifted_ms IS NOT NULL THEN 0 END;
GRANT UPDATE (taken_seq, lift_seq) ON blacklist TO patchbay_server;

-- The fields of the customers that an input was decided with: people, so they stand here and not in the journal.
ALTER TABLE content ADD fields text;

-- What was known of the customer when the interaction was decided (rules/record.h): it goes on with that, whatever becomes
-- of the customer.
ALTER TABLE interactions ADD fact bytea;

-- How many inputs were decided so far: an import that shares the database with decisions rests between its chunks.
SELECT journal_seq FROM fences WHERE project = $1::integer

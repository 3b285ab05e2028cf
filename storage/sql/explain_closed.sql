-- Of an interaction: its last offer, where it came in, who had it.
SELECT offer, opened_seq, agent FROM interactions WHERE project = $1::integer AND id = $2::uuid

-- Of an interaction: its last offer, where it came in, who had it, how it closed.
SELECT offer, opened_seq, agent, closed_ms, cause FROM interactions WHERE project = $1::integer AND id = $2::uuid

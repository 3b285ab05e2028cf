-- $1 project name -> its tokens, oldest first: what is known of them, never the secret.
SELECT t.id, t.role, coalesce(t.hook, t.agent), time_text(t.created_at), time_text(t.expires_at), time_text(t.revoked_at), t.note
FROM tokens t JOIN projects p ON p.id = t.project
WHERE p.name = $1::text
ORDER BY t.created_at, t.id

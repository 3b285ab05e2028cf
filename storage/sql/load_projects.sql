SELECT p.id, p.name FROM projects p JOIN fences f ON f.project = p.id WHERE f.config_version > 0 ORDER BY p.id

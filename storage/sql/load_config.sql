SELECT c.version, c.file FROM fences f JOIN configs c ON c.project = f.project AND c.version = f.config_version
WHERE f.project = $1::integer

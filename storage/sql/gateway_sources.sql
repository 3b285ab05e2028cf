-- The sources of the events of every gateway that some version of the project file has had.
SELECT DISTINCT (gateway.value ->> 'kind') || '/' || gateway.key
FROM configs c
CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(c.tree -> 'gateways') = 'object' THEN c.tree -> 'gateways' ELSE '{}' END) gateway
WHERE c.project = $1::integer

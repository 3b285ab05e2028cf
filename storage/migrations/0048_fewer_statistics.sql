-- ANALYZE sorts each column of its sample in one go, without a rest: with 30,000 rows (300 for each of the 100 values that PostgreSQL keeps by
-- itself) that kept a processor for 0.1 to 0.4 s a table, once a minute while many rows came, and events waited behind it. What is found
-- by a key needs to be known to be many, not which are the most frequent; lists of customers ask which ones are (customer-lists.md).

-- How many values of each column are kept, of which ANALYZE takes 300 times as many rows. A partitioned table hands it to the partitions that
-- it has, not to those to come.
CREATE FUNCTION keep_statistics(of regclass, kept integer) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (SELECT format('ALTER TABLE %s ', of) || string_agg(format('ALTER %I SET STATISTICS %s', a.attname, kept), ', ')
             FROM pg_attribute a WHERE a.attrelid = of AND a.attnum > 0 AND NOT a.attisdropped);
END
$$;
REVOKE EXECUTE ON FUNCTION keep_statistics(regclass, integer) FROM PUBLIC;

CREATE OR REPLACE FUNCTION ensure_day(day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    suffix  text := to_char(day, 'YYYYMMDD');
    from_ms bigint := extract(epoch FROM day) * 1000;
    to_ms   bigint := extract(epoch FROM day + 1) * 1000;
    parent  text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['journal', 'content', 'feed'] LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%s) TO (%s)',
                       parent || '_' || suffix, parent, from_ms, to_ms);
    END LOOP;
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF interactions FOR VALUES FROM (%L) TO (%L)'
                   ' WITH (fillfactor = 50)',
                   'interactions_' || suffix, uuid_floor(from_ms), uuid_floor(to_ms));
    FOREACH parent IN ARRAY ARRAY['journal', 'content', 'feed', 'interactions'] LOOP
        PERFORM keep_statistics((parent || '_' || suffix)::regclass, 10);
    END LOOP;
END
$$;

SELECT keep_statistics(t.name::regclass, t.kept)
FROM (VALUES ('journal', 10), ('content', 10), ('feed', 10), ('interactions', 10), ('activity', 10), ('blacklist', 10), ('changes', 10),
             ('contacts', 10), ('customer_last', 10), ('customer_log', 10), ('customer_words', 10), ('duplicates', 10),
             ('interaction_customers', 10), ('mail_keys', 10), ('tag_counts', 10),
             ('customers', 30), ('field_values', 30), ('follows', 30), ('shares', 30)) t (name, kept);
-- The index's expression is sampled as if it were a column: one that asks for more asks for a larger sample of all.
ALTER INDEX customers_home_pool ALTER COLUMN 3 SET STATISTICS 30;

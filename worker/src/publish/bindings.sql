-- The relations that the queries of $1 name, by PostgreSQL's ids.
SELECT r.ev_class AS reader, array_agg(DISTINCT d.refobjid ORDER BY d.refobjid) AS reads
FROM pg_rewrite r
JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    AND d.refobjid <> r.ev_class
WHERE r.ev_class = ANY ($1) AND r.rulename = '_RETURN'
GROUP BY r.ev_class

-- The columns of the live tables ($1) that views read.
SELECT DISTINCT n.nspname::text AS schema_name, v.relname::text AS view_name, d.refobjid AS table_oid, a.attname::text AS column_name
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
JOIN pg_namespace n ON n.oid = v.relnamespace
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)
ORDER BY 1, 2, 4

-- The columns of a table ($1) in two schemas ($2, $3), whether the login role may read it as it is, and who owns it.
SELECT n.nspname::text AS schema, a.attname::text AS column, a.attidentity <> '' AS identity,
       has_schema_privilege(session_user, n.oid, 'USAGE') AND has_table_privilege(session_user, c.oid, 'SELECT') AS readable,
       pg_get_userbyid(c.relowner)::text AS owner
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relname = $1 AND n.nspname IN ($2, $3) AND c.relkind IN ('r', 'p')
ORDER BY n.nspname, a.attnum

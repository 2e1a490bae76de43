-- What a table in staging ($1) has that can be commented on: kind, name, comment, and for sequences their column.
SELECT 'table', ''::text, obj_description($1::oid, 'pg_class'), NULL::text
UNION ALL
SELECT 'column', a.attname::text, col_description(a.attrelid, a.attnum), NULL
FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', c.relname::text, obj_description(c.oid, 'pg_class'), NULL
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1
UNION ALL
SELECT 'constraint', k.conname::text, obj_description(k.oid, 'pg_constraint'), NULL
FROM pg_constraint k WHERE k.conrelid = $1
UNION ALL
SELECT 'sequence', s.relname::text, obj_description(s.oid, 'pg_class'), a.attname::text
FROM pg_attribute a
JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum
    AND d.classid = 'pg_class'::regclass AND d.deptype = 'i'
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
WHERE a.attrelid = $1 AND a.attidentity <> ''

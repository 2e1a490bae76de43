-- What a table in staging ($1) has that can be commented on, but for its sequences: kind, name, comment; and for columns
-- whether they may not be empty.
SELECT 'table', ''::text, obj_description($1::oid, 'pg_class'), false
UNION ALL
SELECT 'column', a.attname::text, col_description(a.attrelid, a.attnum), a.attnotnull
FROM pg_attribute a WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', c.relname::text, obj_description(c.oid, 'pg_class'), false
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indrelid = $1
UNION ALL
SELECT 'constraint', k.conname::text, obj_description(k.oid, 'pg_constraint'), false
FROM pg_constraint k WHERE k.conrelid = $1

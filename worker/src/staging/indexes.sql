-- The valid indexes of the tables $1. `tail` is all of the definition behind the table's name, so that it says the same of
-- a table of another name or schema; a constraint's definition holds no name of its table anyway.
SELECT i.indrelid AS table_oid,
       x.oid AS index_oid,
       x.relname::text AS name,
       i.indisunique AS is_unique,
       substr(pg_get_indexdef(i.indexrelid), length(format(
           'CREATE %sINDEX %I ON %s ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname, i.indrelid::regclass)) + 1) AS tail,
       obj_description(x.oid, 'pg_class') AS comment,
       c.contype::text AS constraint_kind,
       pg_get_constraintdef(c.oid) AS constraint_definition,
       concat(CASE WHEN c.condeferrable THEN ' DEFERRABLE' END,
              CASE WHEN c.condeferred THEN ' INITIALLY DEFERRED' END) AS constraint_timing,
       obj_description(c.oid, 'pg_constraint') AS constraint_comment,
       i.indisreplident OR EXISTS (
           SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conindid = i.indexrelid) AS is_relied_on
FROM pg_index i
JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
WHERE i.indrelid = ANY ($1) AND i.indisvalid AND i.indisready
ORDER BY i.indrelid, x.relname

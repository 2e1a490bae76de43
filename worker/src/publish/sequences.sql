-- The sequences that belong to columns of the tables $1: those of identities, and those that somebody made OWNED BY.
SELECT d.refobjid AS table_oid,
       a.attname::text AS column_name,
       d.deptype = 'i' AS is_identity,
       a.atttypid = ANY ('{int2,int4,int8,numeric}'::regtype[]) AS counts,
       s.relname::text AS name,
       format_type(q.seqtypid, NULL) AS type_name,
       q.seqincrement AS increment,
       -- What PostgreSQL does not do by itself.
       concat_ws(' ',
           'START WITH ' || nullif(q.seqstart, CASE WHEN q.seqincrement > 0 THEN q.seqmin ELSE q.seqmax END),
           'INCREMENT BY ' || nullif(q.seqincrement, 1),
           'MINVALUE ' || nullif(q.seqmin, CASE WHEN q.seqincrement > 0 THEN 1 ELSE -b.largest - 1 END),
           'MAXVALUE ' || nullif(q.seqmax, CASE WHEN q.seqincrement > 0 THEN b.largest ELSE -1 END),
           'CACHE ' || nullif(q.seqcache, 1),
           CASE WHEN q.seqcycle THEN 'CYCLE' END) AS options,
       obj_description(s.oid, 'pg_class') AS comment
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_sequence q ON q.seqrelid = s.oid
JOIN (VALUES ('int2'::regtype, 32767), ('int4', 2147483647), ('int8', 9223372036854775807)) AS b (type, largest)
     ON b.type = q.seqtypid
JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refobjid = ANY ($1) AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_class'::regclass
  AND d.deptype IN ('a', 'i')
ORDER BY d.refobjid, s.relname

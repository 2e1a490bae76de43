-- What the view $1 reads: relations, itself or through other views, and functions of which PostgreSQL does not know that
-- they always give the same. $2 is the role that will read. Nothing is said of what PostgreSQL itself came with.
WITH RECURSIVE reads (classid, relation, through) AS (
    SELECT d.refclassid, d.refobjid, NULL::oid
    FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refobjid <> r.ev_class
    WHERE r.ev_class = $1
    UNION
    SELECT d.refclassid, d.refobjid, coalesce(v.through, v.relation)
    FROM reads v
    JOIN pg_rewrite r ON r.ev_class = v.relation AND v.classid = 'pg_class'::regclass AND r.rulename = '_RETURN'
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refobjid <> r.ev_class
)
SELECT n.nspname::text AS schema_name,
       c.relname::text AS name,
       c.relkind::text AS kind,
       t.oid::regclass::text AS through,
       has_schema_privilege($2::text::name, n.oid, 'USAGE') AS enterable,
       -- What a view of others reads, it reads with its owner's rights.
       t.oid IS NOT NULL OR has_table_privilege($2::text::name, c.oid, 'SELECT') OR (
           SELECT coalesce(bool_and(has_column_privilege($2::text::name, c.oid, a.refobjsubid::int2, 'SELECT')), false)
           FROM pg_rewrite w
           JOIN pg_depend a ON a.classid = 'pg_rewrite'::regclass AND a.objid = w.oid
               AND a.refclassid = 'pg_class'::regclass AND a.refobjid = c.oid AND a.refobjsubid > 0
           WHERE w.ev_class = $1) AS readable,
       (SELECT p.dataset FROM freshet.published_tables p WHERE p.table_oid = c.oid LIMIT 1) AS dataset
FROM reads r
JOIN pg_class c ON c.oid = r.relation
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class t ON t.oid = r.through
WHERE r.classid = 'pg_class'::regclass
UNION
SELECT n.nspname::text, p.proname::text || '()', 'function', NULL, true, true, NULL
FROM reads r
JOIN pg_proc p ON p.oid = r.relation
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE r.classid = 'pg_proc'::regclass AND p.provolatile <> 'i'
  AND NOT EXISTS (SELECT FROM pg_depend e
                  WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
ORDER BY 1, 2, 4

-- Tables and views in schema $1, those first that read others, and what reads them in schemas of ours: a generation of another
-- dataset, or what it is staging, may read this one.
WITH RECURSIVE own AS (
    SELECT c.oid, c.relname, c.relkind, n.nspname, n.oid = $1 AS here
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'v', 'm') AND (n.oid = $1 OR n.nspname ~ '^freshet_(previous|staging)_')
),
chain (oid, depth) AS (
    SELECT oid, 0 FROM own WHERE here
    UNION
    SELECT r.ev_class, c.depth + 1
    FROM chain c
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> c.oid
    WHERE r.ev_class IN (SELECT oid FROM own)
)
SELECT o.nspname::text, o.relname::text, CASE o.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END
FROM own o JOIN (SELECT oid, max(depth) AS depth FROM chain GROUP BY oid) c USING (oid)
ORDER BY c.depth DESC, o.nspname, o.relname

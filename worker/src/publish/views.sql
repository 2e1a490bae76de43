-- Every view and materialized view that reads one of the live tables, itself or through others, outermost first: $1 is the
-- target schema, $2 the tables' names, $3 the privilege that lets us SET ROLE. `reads` are the live tables and other readers
-- that its query names.
WITH RECURSIVE live AS (
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = ANY ($2)
),
chain (reader, reads, depth) AS (
    SELECT r.ev_class, l.oid, 1
    FROM live l
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = l.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> l.oid
    UNION
    SELECT r.ev_class, c.reader, c.depth + 1
    FROM chain c
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.reader
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> c.reader
),
readers AS (
    SELECT reader, max(depth) AS depth, array_agg(DISTINCT reads ORDER BY reads) AS reads FROM chain GROUP BY reader
)
SELECT v.oid,
       n.nspname::text AS schema_name,
       v.relname::text AS name,
       v.relkind::text AS kind,
       v.relpersistence::text AS persistence,
       pg_get_userbyid(v.relowner)::text AS owner,
       pg_has_role(session_user, v.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, v.relowner, $3) AS can_set,
       has_schema_privilege(session_user, v.relnamespace, 'CREATE') AS login_creates,
       has_schema_privilege(v.relowner, v.relnamespace, 'CREATE') AS owner_creates,
       o.reads,
       coalesce(v.reloptions, '{}') AS options,
       coalesce((SELECT array_agg('toast.' || u) FROM pg_class t, unnest(t.reloptions) u WHERE t.oid = v.reltoastrelid), '{}')
           AS toast_options,
       pg_get_viewdef(v.oid) AS definition,
       v.relispopulated AS populated,
       s.spcname::text AS tablespace,
       obj_description(v.oid, 'pg_class') AS comment,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = v.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
               AND i.indpred IS NULL AND i.indexprs IS NULL) AS refreshes_while_read
FROM readers o
JOIN pg_class v ON v.oid = o.reader
JOIN pg_namespace n ON n.oid = v.relnamespace
LEFT JOIN pg_tablespace s ON s.oid = v.reltablespace
-- What is in schemas of ours is a copy, in staging or of another generation.
WHERE n.nspname !~ '^freshet_(staging|previous|rehearsal)_'
ORDER BY o.depth DESC, n.nspname, v.relname

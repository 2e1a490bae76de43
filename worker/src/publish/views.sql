-- Every view that reads one of the live tables ($1), itself or through other views, outermost first. $2 is the privilege
-- that lets us SET ROLE.
WITH RECURSIVE chain (reader, depth) AS (
    SELECT r.ev_class, 1
    FROM unnest($1::oid[]) AS l (live)
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = l.live AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN'
    UNION
    SELECT r.ev_class, c.depth + 1
    FROM chain c
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.reader
        AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename = '_RETURN' AND r.ev_class <> c.reader
),
readers AS (SELECT reader, max(depth) AS depth, bool_or(depth = 1) AS is_direct FROM chain GROUP BY reader)
SELECT v.oid,
       n.nspname::text AS schema_name,
       v.relname::text AS name,
       v.relkind::text AS kind,
       v.relpersistence::text AS persistence,
       pg_get_userbyid(v.relowner)::text AS owner,
       pg_has_role(session_user, v.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, v.relowner, $2) AS can_set,
       has_schema_privilege(session_user, v.relnamespace, 'CREATE') AS login_creates,
       has_schema_privilege(v.relowner, v.relnamespace, 'CREATE') AS owner_creates,
       o.is_direct,
       o.depth,
       coalesce(v.reloptions, '{}') AS options,
       CASE WHEN v.relkind = 'v' AND o.is_direct THEN pg_get_viewdef(v.oid) END AS definition
FROM readers o
JOIN pg_class v ON v.oid = o.reader
JOIN pg_namespace n ON n.oid = v.relnamespace
ORDER BY o.depth DESC, n.nspname, v.relname

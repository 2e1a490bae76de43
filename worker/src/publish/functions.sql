-- Functions and procedures whose parsed body or defaults name the relations $1; a body in quotes names nothing. $2 is the
-- privilege that lets us SET ROLE.
SELECT DISTINCT p.oid,
       pg_describe_object('pg_proc'::regclass, p.oid, 0) AS described,
       n.nspname::text AS schema_name,
       pg_get_userbyid(p.proowner)::text AS owner,
       pg_has_role(session_user, p.proowner, 'USAGE') AS inherits,
       pg_has_role(session_user, p.proowner, $2) AS can_set,
       has_schema_privilege(session_user, p.pronamespace, 'CREATE') AS login_creates,
       has_schema_privilege(p.proowner, p.pronamespace, 'CREATE') AS owner_creates,
       pg_get_functiondef(p.oid) AS definition
FROM pg_depend d
JOIN pg_proc p ON p.oid = d.objid AND p.prokind <> 'a'
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)
ORDER BY p.oid

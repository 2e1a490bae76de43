-- Rules of views that name the relations $1 in what they do: a view's own query is no such rule, and views $3, which are made
-- anew, bring their rules along. $2 is the privilege that lets us SET ROLE.
SELECT DISTINCT r.oid,
       r.rulename::text AS name,
       n.nspname::text AS schema_name,
       v.oid AS view_oid,
       v.relname::text AS view_name,
       pg_get_userbyid(v.relowner)::text AS owner,
       pg_has_role(session_user, v.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, v.relowner, $2) AS can_set,
       has_schema_privilege(v.relowner, v.relnamespace, 'CREATE') AS owner_creates,
       pg_get_ruledef(r.oid) AS definition
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid AND r.rulename <> '_RETURN'
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.oid <> ALL ($3)
JOIN pg_namespace n ON n.oid = v.relnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)
ORDER BY r.oid

-- The definitions of views $1, functions $2 and rules $3, with the names of the search path bare where PostgreSQL lets them be.
SELECT 'view' AS kind, v.oid, pg_get_viewdef(v.oid) AS definition FROM pg_class v WHERE v.oid = ANY ($1)
UNION ALL
SELECT 'function', p.oid, pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.oid = ANY ($2)
UNION ALL
-- Spelled so that the name of its own view may be bare too.
SELECT 'rule', r.oid, pg_get_ruledef(r.oid, true) FROM pg_rewrite r WHERE r.oid = ANY ($3)

-- The live tables ($1 schema, $2 names) that loads change where they stand; $3 is the privilege that lets us SET ROLE.
SELECT c.oid,
       c.relname::text AS name,
       c.relkind::text AS kind,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(session_user, c.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, c.relowner, $3) AS can_set,
       c.relrowsecurity AS row_security,
       c.relrowsecurity AND c.relforcerowsecurity AS forced,
       has_table_privilege(session_user, c.oid, 'SELECT') AND has_table_privilege(session_user, c.oid, 'INSERT')
           AND has_table_privilege(session_user, c.oid, 'UPDATE')
           AND has_table_privilege(session_user, c.oid, 'DELETE') AS may_write,
       EXISTS (SELECT FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN') AS has_rules,
       EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled <> 'D')
           AS has_triggers
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2)
ORDER BY c.relname

-- The relations that stand where the dataset's tables go: $1 schema, $2 names, $3 the privilege that lets us SET ROLE.
SELECT c.oid,
       c.relname::text AS name,
       c.relkind::text AS kind,
       c.relpersistence::text AS persistence,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(session_user, c.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, c.relowner, $3) AS can_set,
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE') AS owner_creates,
       coalesce((SELECT array_agg(o ORDER BY n) FROM unnest(c.reloptions) WITH ORDINALITY AS u (o, n)), '{}') AS options,
       coalesce((SELECT array_agg('toast.' || o ORDER BY n)
                 FROM pg_class t, unnest(t.reloptions) WITH ORDINALITY AS u (o, n)
                 WHERE t.oid = c.reltoastrelid), '{}') AS toast_options,
       obj_description(c.oid, 'pg_class') AS comment
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = ANY ($2)
ORDER BY c.relname

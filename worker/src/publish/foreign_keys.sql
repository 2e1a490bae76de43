-- Foreign keys between the live tables ($1) and others: those of other tables that name a live one, and those of live ones
-- that name others. Keys among live tables move with them. $2 is the privilege that lets us SET ROLE.
SELECT k.conname::text AS name,
       k.conrelid AS referencing,
       k.confrelid AS referenced,
       k.conrelid = ANY ($1) AS is_ours,
       n.nspname::text AS schema_name,
       c.relname::text AS table_name,
       pg_get_userbyid(c.relowner)::text AS owner,
       pg_has_role(session_user, c.relowner, 'USAGE') AS inherits,
       pg_has_role(session_user, c.relowner, $2) AS can_set,
       has_schema_privilege(c.relowner, c.relnamespace, 'CREATE') AS owner_creates,
       has_table_privilege(session_user, c.oid, 'UPDATE, DELETE, TRUNCATE') AS may_lock,
       regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '') AS definition,
       k.convalidated AS is_valid,
       obj_description(k.oid, 'pg_constraint') AS comment,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place) AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place) AS keys,
       ARRAY(SELECT format('OPERATOR(%I.%s)', m.nspname, o.oprname)
             FROM unnest(k.conpfeqop) WITH ORDINALITY AS u (operator, place)
             JOIN pg_operator o ON o.oid = u.operator JOIN pg_namespace m ON m.oid = o.oprnamespace
             ORDER BY u.place) AS operators
FROM pg_constraint k
-- The table at the other end.
JOIN pg_class c ON c.oid = CASE WHEN k.conrelid = ANY ($1) THEN k.confrelid ELSE k.conrelid END
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND (k.conrelid = ANY ($1)) <> (k.confrelid = ANY ($1))
ORDER BY n.nspname, c.relname, k.conname, k.conrelid

SELECT p.polrelid AS table_oid,
       p.polname::text AS name,
       concat('AS ', CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
              ' FOR ', CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
              ' TO ', (SELECT string_agg(CASE r.role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.role)) END,
                                         ', ' ORDER BY r.number)
                       FROM unnest(p.polroles) WITH ORDINALITY AS r (role, number)),
              ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
              ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')') AS definition,
       '' AS state,
       obj_description(p.oid, 'pg_policy') AS comment
FROM path, pg_policy p
WHERE p.polrelid = ANY ($1)

-- Publications of logical replication that the live tables ($1), or tables to come in schema $2, belong to.
SELECT p.pubname::text AS name, 'table' AS scope, r.prrelid AS table_oid,
       concat(' (' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                       FROM unnest(r.prattrs::int2[]) AS u (number)
                       JOIN pg_attribute a ON a.attrelid = r.prrelid AND a.attnum = u.number) || ')',
              ' WHERE (' || pg_get_expr(r.prqual, r.prrelid) || ')') AS part,
       p.pubinsert AS inserts, pg_get_userbyid(p.pubowner)::text AS owner,
       pg_has_role(session_user, p.pubowner, 'USAGE') AS inherits
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
WHERE r.prrelid = ANY ($1)
UNION ALL
SELECT p.pubname::text, 'schema', NULL, '', p.pubinsert, pg_get_userbyid(p.pubowner)::text, true
FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid JOIN pg_namespace n ON n.oid = s.pnnspid
WHERE n.nspname = $2
UNION ALL
SELECT p.pubname::text, 'all', NULL, '', p.pubinsert, pg_get_userbyid(p.pubowner)::text, true
FROM pg_publication p WHERE p.puballtables
ORDER BY 1, 2, 3

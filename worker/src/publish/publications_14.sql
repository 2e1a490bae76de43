-- As `publications.sql`, for PostgreSQL 14, which publishes neither schemas nor parts of tables. $2 is not used.
SELECT p.pubname::text AS name, 'table' AS scope, r.prrelid AS table_oid, '' AS part, p.pubinsert AS inserts,
       pg_get_userbyid(p.pubowner)::text AS owner, pg_has_role(session_user, p.pubowner, 'USAGE') AS inherits
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
WHERE r.prrelid = ANY ($1) AND $2 IS NOT NULL
UNION ALL
SELECT p.pubname::text, 'all', NULL, '', p.pubinsert, pg_get_userbyid(p.pubowner)::text, true
FROM pg_publication p WHERE p.puballtables
ORDER BY 1, 2, 3

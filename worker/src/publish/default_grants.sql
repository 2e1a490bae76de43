-- The privileges that a table, or an identity sequence, made by the login role in schema $1 begins with: what is set for
-- all schemas, or else what owners have by nature, and then what is set for this one. Kind is r or S.
SELECT k.kind,
       a.grantee = 0 AS to_public,
       pg_get_userbyid(a.grantee)::text AS grantee,
       pg_get_userbyid(a.grantor)::text AS grantor,
       true AS by_owner,
       true AS can_set_grantor,
       a.privilege_type AS privilege,
       a.is_grantable AS grantable
FROM (VALUES ('r', 'r'::"char"), ('S', 's'::"char")) AS k (kind, nature)
CROSS JOIN (SELECT oid AS role FROM pg_roles WHERE rolname = session_user) r
CROSS JOIN LATERAL (
    SELECT 0 AS part,
           coalesce((SELECT d.defaclacl FROM pg_default_acl d
                     WHERE d.defaclrole = r.role AND d.defaclnamespace = 0 AND d.defaclobjtype::text = k.kind),
                    acldefault(k.nature, r.role)) AS acl
    UNION ALL
    SELECT 1, d.defaclacl FROM pg_default_acl d JOIN pg_namespace n ON n.oid = d.defaclnamespace
    WHERE d.defaclrole = r.role AND n.nspname = $1 AND d.defaclobjtype::text = k.kind
) p
CROSS JOIN LATERAL aclexplode(p.acl) WITH ORDINALITY AS a
-- PostgreSQL sorts what it merges.
ORDER BY k.kind, a.grantee, a.grantor, p.part, a.ordinality

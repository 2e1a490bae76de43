-- Every privilege on the relations $1, their columns and the sequences that belong to these, in the order in which PostgreSQL keeps
-- them: who granted first stands first. What was never changed is what the owner has by nature. $2 is the privilege that
-- lets us SET ROLE.
SELECT o.relation,
       o.column_name,
       o.sequence_for,
       o.owned_sequence,
       a.grantee = 0 AS to_public,
       pg_get_userbyid(a.grantee)::text AS grantee,
       pg_get_userbyid(a.grantor)::text AS grantor,
       a.grantor = o.owner AS by_owner,
       pg_has_role(session_user, a.grantor, $2) AS can_set_grantor,
       a.privilege_type AS privilege,
       a.is_grantable AS grantable
FROM (
    SELECT c.oid AS relation, NULL::text AS column_name, NULL::text AS sequence_for, NULL::text AS owned_sequence, c.relowner AS owner, 0 AS number,
           coalesce(c.relacl, acldefault('r', c.relowner)) AS acl
    FROM pg_class c WHERE c.oid = ANY ($1)
    UNION ALL
    SELECT c.oid, t.attname::text, NULL, NULL, c.relowner, t.attnum, t.attacl
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
    WHERE c.oid = ANY ($1) AND t.attnum > 0 AND NOT t.attisdropped AND t.attacl IS NOT NULL
    UNION ALL
    SELECT c.oid, NULL, CASE d.deptype WHEN 'i' THEN t.attname::text END, CASE d.deptype WHEN 'a' THEN s.relname::text END,
           s.relowner, t.attnum, coalesce(s.relacl, acldefault('s', s.relowner))
    FROM pg_class c
    JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
        AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
    JOIN pg_attribute t ON t.attrelid = c.oid AND t.attnum = d.refobjsubid AND NOT t.attisdropped
    JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
    WHERE c.oid = ANY ($1)
) o, aclexplode(o.acl) WITH ORDINALITY AS a
ORDER BY o.relation, o.number, o.sequence_for NULLS FIRST, o.owned_sequence NULLS FIRST, a.ordinality

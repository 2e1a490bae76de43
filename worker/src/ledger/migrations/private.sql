-- Raw values may be nobody's business: default privileges that somebody set for new tables do not reach in here. How fresh
-- a dataset is may be known to everyone.
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT DISTINCT c.oid::regclass AS relation, a.grantee
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'freshet'::regnamespace AND c.relkind IN ('r', 'v', 'S') AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %s', item.relation,
                       CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE item.grantee::regrole::text END);
    END LOOP;
END
$$;
GRANT USAGE ON SCHEMA freshet TO PUBLIC;
GRANT SELECT ON freshet.datasets TO PUBLIC;

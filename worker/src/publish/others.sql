-- Everything on or around the live tables, and around the relations that are made anew with them ($1, the latter also $2), that
-- no file here carries over: which table, what kind, what it is called.
-- What PostgreSQL links to a table is found through pg_depend, so that a kind that nobody thought of is found too.
WITH live AS (
    SELECT c.*, t.typarray FROM pg_class c LEFT JOIN pg_type t ON t.oid = c.reltype WHERE c.oid = ANY ($1)
),
hanging AS (
    SELECT l.oid AS live, false AS by_type, d.classid, d.objid, d.objsubid, d.deptype
    FROM live l JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = l.oid
    UNION
    SELECT l.oid, true, d.classid, d.objid, d.objsubid, d.deptype
    FROM live l JOIN pg_depend d ON d.refclassid = 'pg_type'::regclass AND d.refobjid IN (l.reltype, l.typarray)
),
named AS (
    SELECT h.live, h.by_type, h.classid, h.objid, h.objsubid, h.deptype,
           c.relkind, i.indrelid, k.contype, k.conrelid, r.relkind AS referencing_kind, t.tgisinternal, t.tgrelid, f.adrelid,
           w.rulename, w.ev_class, e.relkind AS ev_kind, p.polrelid, g.attgenerated, o.prokind
    FROM hanging h
    LEFT JOIN pg_class c ON h.classid = 'pg_class'::regclass AND c.oid = h.objid
    LEFT JOIN pg_index i ON h.classid = 'pg_class'::regclass AND i.indexrelid = h.objid
    LEFT JOIN pg_constraint k ON h.classid = 'pg_constraint'::regclass AND k.oid = h.objid
    LEFT JOIN pg_class r ON r.oid = k.conrelid AND k.contype = 'f'
    LEFT JOIN pg_trigger t ON h.classid = 'pg_trigger'::regclass AND t.oid = h.objid
    LEFT JOIN pg_attrdef f ON h.classid = 'pg_attrdef'::regclass AND f.oid = h.objid
    LEFT JOIN pg_attribute g ON g.attrelid = f.adrelid AND g.attnum = f.adnum
    LEFT JOIN pg_rewrite w ON h.classid = 'pg_rewrite'::regclass AND w.oid = h.objid
    LEFT JOIN pg_class e ON e.oid = w.ev_class
    LEFT JOIN pg_policy p ON h.classid = 'pg_policy'::regclass AND p.oid = h.objid
    LEFT JOIN pg_proc o ON h.classid = 'pg_proc'::regclass AND o.oid = h.objid
),
kinds AS (
    SELECT n.live,
           CASE
               -- The table itself, its storage, its types, and what columns, indexes, sequences and views carry.
               WHEN n.classid = 'pg_class'::regclass AND n.objid = n.live THEN NULL
               WHEN n.classid = 'pg_class'::regclass AND n.indrelid = n.live THEN NULL
               WHEN n.relkind = 't' THEN NULL
               WHEN n.relkind = 'S' AND n.deptype IN ('a', 'i') THEN NULL
               WHEN n.classid = 'pg_type'::regclass AND EXISTS (
                   SELECT FROM live l WHERE l.oid = n.live AND n.objid IN (l.reltype, l.typarray)) THEN NULL
               WHEN n.contype IN ('p', 'u', 'x', 'n') AND n.conrelid = n.live THEN NULL
               WHEN n.contype IN ('c', 't') AND n.conrelid = n.live THEN NULL
               WHEN n.live = ANY ($2) AND n.live IN (n.tgrelid, n.adrelid, n.ev_class) THEN NULL
               WHEN n.contype = 'f' AND n.referencing_kind = 'r' THEN NULL
               WHEN n.adrelid = n.live AND n.attgenerated = '' THEN NULL
               -- Also those that name another table of the dataset: both are made anew together.
               WHEN n.tgisinternal OR n.tgrelid = ANY ($1) OR (n.ev_class = ANY ($1) AND n.rulename <> '_RETURN') OR n.polrelid = ANY ($1) THEN NULL
               WHEN n.classid = 'pg_statistic_ext'::regclass THEN NULL
               WHEN n.rulename = '_RETURN' AND n.ev_kind IN ('v', 'm') AND NOT n.by_type THEN NULL
               -- The rest, by name.
               WHEN n.by_type THEN 'row_type'
               WHEN n.relkind = 'S' THEN 'sequence'
               WHEN n.relkind IN ('r', 'p', 'f') THEN 'inheritance'
               WHEN n.contype = 'f' THEN 'referenced_by'
               WHEN n.adrelid = n.live THEN 'generated_column'
               WHEN n.rulename IS NOT NULL AND n.ev_kind = 'v' THEN NULL
               WHEN n.rulename IS NOT NULL THEN 'rule'
               WHEN n.polrelid IS NOT NULL THEN 'policy'
               WHEN n.classid = 'pg_publication_rel'::regclass THEN NULL
               WHEN n.classid = 'pg_proc'::regclass THEN CASE WHEN n.prokind = 'a' THEN 'function' END
               ELSE 'other'
           END AS kind,
           CASE WHEN n.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass, n.ev_class, 0)
                ELSE pg_describe_object(n.classid, n.objid, n.objsubid) END AS name
    FROM named n
)
SELECT DISTINCT k.live AS table_oid, k.kind, k.name FROM kinds k WHERE k.kind IS NOT NULL
UNION
SELECT l.oid, 'relation_kind', CASE l.relkind
           WHEN 'p' THEN 'it is a partitioned table' WHEN 'f' THEN 'it is a foreign table'
           WHEN 'v' THEN 'it is a view' WHEN 'm' THEN 'it is a materialized view' WHEN 'S' THEN 'it is a sequence'
           WHEN 'i' THEN 'it is an index' WHEN 'c' THEN 'it is a composite type' ELSE 'it is no table' END
FROM live l WHERE l.relkind <> 'r' AND l.oid <> ALL ($2)
UNION
SELECT l.oid, 'unlogged', 'it is unlogged' FROM live l WHERE l.relpersistence <> 'p'
UNION
SELECT l.oid, 'inheritance', 'its parent ' || i.inhparent::regclass
FROM live l JOIN pg_inherits i ON i.inhrelid = l.oid
UNION
SELECT l.oid, 'row_type', 'it is of type ' || format_type(l.reloftype, NULL) FROM live l WHERE l.reloftype <> 0
UNION
SELECT l.oid, 'extension', pg_describe_object(d.refclassid, d.refobjid, 0)
FROM live l JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = l.oid AND d.deptype IN ('e', 'x')
UNION
SELECT l.oid, 'security_label', 'a security label of ' || s.provider
FROM live l JOIN pg_seclabel s ON s.classoid = 'pg_class'::regclass AND s.objoid = l.oid
UNION
SELECT l.oid, 'access_method', 'its access method ' || m.amname
FROM live l JOIN pg_am m ON m.oid = l.relam WHERE l.relkind IN ('r', 'm') AND m.amname <> 'heap'
UNION
SELECT l.oid, 'tablespace', 'its tablespace ' || s.spcname
FROM live l JOIN pg_tablespace s ON s.oid = l.reltablespace WHERE l.relkind = 'r'
UNION
SELECT l.oid, 'tablespace', 'index ' || x.relname || ' in tablespace ' || s.spcname
FROM live l JOIN pg_index i ON i.indrelid = l.oid JOIN pg_class x ON x.oid = i.indexrelid
JOIN pg_tablespace s ON s.oid = x.reltablespace
UNION
-- What uses a sequence of a column and is not made anew with it.
SELECT l.oid, 'sequence', pg_describe_object(u.classid, u.objid, u.objsubid)
FROM live l
JOIN pg_depend o ON o.refclassid = 'pg_class'::regclass AND o.refobjid = l.oid AND o.classid = 'pg_class'::regclass
    AND o.deptype IN ('a', 'i')
JOIN pg_class s ON s.oid = o.objid AND s.relkind = 'S'
JOIN pg_depend u ON u.refclassid = 'pg_class'::regclass AND u.refobjid = s.oid
LEFT JOIN pg_attrdef f ON u.classid = 'pg_attrdef'::regclass AND f.oid = u.objid
WHERE f.adrelid IS NULL OR f.adrelid <> ALL ($1)
UNION
SELECT l.oid, 'disabled_foreign_key', pg_describe_object('pg_constraint'::regclass, t.tgconstraint, 0)
FROM live l JOIN pg_trigger t ON l.oid IN (t.tgrelid, t.tgconstrrelid)
WHERE t.tgisinternal AND t.tgenabled <> 'O' AND t.tgconstraint <> 0
UNION
SELECT l.oid, 'statistics', pg_describe_object('pg_statistic_ext'::regclass, s.oid, 0)
FROM live l JOIN pg_statistic_ext s ON s.stxrelid = l.oid
WHERE s.stxnamespace <> l.relnamespace OR s.stxowner <> l.relowner
UNION
SELECT l.oid, 'subscription', 'a subscription of logical replication'
FROM live l JOIN pg_subscription_rel s ON s.srrelid = l.oid
ORDER BY 1, 2, 3

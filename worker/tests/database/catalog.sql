-- Everything about tables, views and what belongs to them in schema public, in the catalogs' own words. Views with their
-- ids: they must stay the objects that they are.
SELECT 'relation', c.relname, c.relkind::text, CASE WHEN c.relkind = 'v' THEN c.oid::text END, pg_get_userbyid(c.relowner)::text,
       -- NULL and what an owner has by nature are the same to PostgreSQL, and to its dumps.
       coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))::text, c.reloptions::text, t.reloptions::text, obj_description(c.oid, 'pg_class'),
       CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END
FROM pg_class c LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
WHERE c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'column', c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, a.attidentity::text,
       a.attacl::text, a.attoptions::text, concat_ws(',', a.attstorage, a.attcompression, a.attstattarget),
       col_description(c.oid, a.attnum), pg_get_expr(d.adbin, d.adrelid)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'index', x.relname, pg_get_indexdef(i.indexrelid), i.indisvalid::text, i.indimmediate::text, x.reloptions::text,
       obj_description(x.oid, 'pg_class'), NULL, NULL, NULL
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE x.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'constraint', k.conrelid::regclass::text || '.' || k.conname, pg_get_constraintdef(k.oid), k.conindid::regclass::text,
       k.convalidated::text, obj_description(k.oid, 'pg_constraint'), NULL, NULL, NULL, NULL
FROM pg_constraint k WHERE k.connamespace = 'public'::regnamespace
UNION ALL
SELECT 'stored', c.oid::regclass::text, c.relispopulated::text, pg_get_viewdef(c.oid), c.reltablespace::text, NULL, NULL, NULL, NULL, NULL
FROM pg_class c WHERE c.relkind = 'm' AND c.relnamespace IN ('public'::regnamespace, 'reports'::regnamespace)
UNION ALL
SELECT 'function', p.oid::regprocedure::text, p.oid::text, pg_get_userbyid(p.proowner), p.proacl::text, pg_get_functiondef(p.oid),
       obj_description(p.oid, 'pg_proc'), NULL, NULL, NULL
FROM pg_proc p WHERE p.pronamespace IN ('public'::regnamespace, 'reports'::regnamespace)
UNION ALL
SELECT 'rule', r.rulename, CASE WHEN v.relkind = 'v' THEN r.oid::text END, r.ev_enabled::text, pg_get_ruledef(r.oid),
       obj_description(r.oid, 'pg_rewrite'), NULL, NULL, NULL, NULL
FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class WHERE r.rulename <> '_RETURN' AND r.ev_class IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
ORDER BY 1, 2, 3

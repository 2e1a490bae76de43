-- What the relations $1, which are made anew in staging, are made from, in words in which the names of the search path $2
-- stand bare; it stays set. `fittings` are the statements that give a view its defaults, triggers and rules.
WITH path AS MATERIALIZED (SELECT set_config('search_path', $2, true))
SELECT v.oid,
       pg_get_viewdef(v.oid) AS query,
       coalesce((SELECT array_agg(format('ALTER VIEW %I ALTER COLUMN %I SET DEFAULT %s', v.relname, a.attname,
                                         pg_get_expr(f.adbin, f.adrelid)) ORDER BY a.attnum)
                 FROM pg_attrdef f JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum
                 WHERE f.adrelid = v.oid AND v.relkind = 'v'), '{}')
       || coalesce((SELECT array_agg(s ORDER BY t.tgname, n)
                    FROM pg_trigger t, unnest(ARRAY[
                        pg_get_triggerdef(t.oid, true),
                        format('COMMENT ON TRIGGER %I ON %I IS %L', t.tgname, v.relname, obj_description(t.oid, 'pg_trigger'))
                    ]) WITH ORDINALITY AS u (s, n)
                    WHERE t.tgrelid = v.oid AND NOT t.tgisinternal), '{}')
       || coalesce((SELECT array_agg(s ORDER BY r.rulename, n)
                    FROM pg_rewrite r, unnest(ARRAY[
                        pg_get_ruledef(r.oid, true),
                        format('COMMENT ON RULE %I ON %I IS %L', r.rulename, v.relname, obj_description(r.oid, 'pg_rewrite'))
                    ]) WITH ORDINALITY AS u (s, n)
                    WHERE r.ev_class = v.oid AND r.rulename <> '_RETURN'), '{}') AS fittings
FROM path, pg_class v
WHERE v.oid = ANY ($1)

-- What stands in schema $1 under the name $2, and whether dataset $3 has put it there. A materialized view is another with
-- every publish.
SELECT c.oid,
       c.relkind::text AS kind,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END AS definition,
       EXISTS (SELECT FROM freshet.published_views v
               WHERE v.dataset = $3 AND v.view_name = $2 AND c.relkind IN ('v', 'm')
                 AND (v.view_oid = c.oid OR c.relkind = 'm')) AS ours
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2

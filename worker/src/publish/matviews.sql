-- What the relations $1, which are made anew in staging, are made from, in words in which the names of the search path $2
-- stand bare; it stays set.
WITH path AS MATERIALIZED (SELECT set_config('search_path', $2, true))
SELECT v.oid, pg_get_viewdef(v.oid) AS query FROM path, pg_class v WHERE v.oid = ANY ($1)

-- The columns of the tables $1, as far as rows are written into them by others than their makers.
SELECT a.attrelid AS table_oid,
       a.attname::text AS name,
       quote_ident(a.attname) AS spelled,
       a.atttypid AS type_oid,
       a.atttypmod AS type_modifier,
       format_type(a.atttypid, a.atttypmod) AS type_name,
       a.attnotnull AS not_null,
       a.atthasdef AS has_default,
       a.attidentity::text AS identity,
       a.attgenerated <> '' AS is_generated,
       CASE WHEN a.attcollation <> t.typcollation THEN format('%I.%I', n.nspname, l.collname) END AS collation_name,
       coalesce(l.collisdeterministic, true) AS is_deterministic
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum

SELECT s.stxrelid AS table_oid,
       s.stxname::text AS name,
       concat((SELECT '(' || string_agg(w.word, ', ' ORDER BY w.word) || ') '
               FROM unnest(s.stxkind) AS k (kind)
               -- What is gathered about expressions needs no word.
               JOIN (VALUES ('d'::"char", 'ndistinct'), ('f', 'dependencies'), ('m', 'mcv')) AS w (kind, word)
                    ON w.kind = k.kind),
              'ON ', pg_get_statisticsobjdef_columns(s.oid)) AS definition,
       coalesce(nullif(s.stxstattarget::int4, -1)::text, '') AS state,
       obj_description(s.oid, 'pg_statistic_ext') AS comment
FROM path, pg_statistic_ext s
WHERE s.stxrelid = ANY ($1)

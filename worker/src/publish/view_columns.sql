-- The first column in which relations $1 and $2 differ so that one could not replace the other: name, type before, type after.
SELECT coalesce(o.attname, n.attname)::text,
       coalesce(format_type(o.atttypid, o.atttypmod), 'not there'),
       CASE WHEN o.attname <> n.attname THEN 'column ' || n.attname
            WHEN o.attcollation <> n.attcollation THEN 'collated by ' || (SELECT l.collname FROM pg_collation l WHERE l.oid = n.attcollation)
            ELSE coalesce(format_type(n.atttypid, n.atttypmod), 'not there') END
FROM (SELECT * FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped) o
FULL JOIN (SELECT * FROM pg_attribute WHERE attrelid = $2 AND attnum > 0 AND NOT attisdropped) n USING (attnum)
WHERE (o.attname, o.atttypid, o.atttypmod, o.attcollation) IS DISTINCT FROM (n.attname, n.atttypid, n.atttypmod, n.attcollation)
ORDER BY attnum
LIMIT 1

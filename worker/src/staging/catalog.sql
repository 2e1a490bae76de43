-- What types ($1, as format_type spells them) are made of: domains are taken off, arrays opened.
WITH RECURSIVE bare AS (
    SELECT s.spelled, s.spelled::regtype::oid AS type, -1 AS modifier, false AS not_null, false AS checked, 0 AS depth
    FROM unnest($1::text[]) AS s (spelled)
    UNION ALL
    SELECT b.spelled, d.typbasetype, d.typtypmod, b.not_null OR d.typnotnull,
           b.checked OR EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = d.oid AND c.contype = 'c'), b.depth + 1
    FROM bare b JOIN pg_type d ON d.oid = b.type AND d.typtype = 'd'
)
SELECT DISTINCT ON (b.spelled)
       b.spelled, b.not_null, b.checked,
       format_type(b.type, b.modifier) AS base,
       e.oid AS element,
       format_type(coalesce(e.oid, t.oid), b.modifier) AS one,
       (SELECT p.proname::text FROM pg_proc p WHERE p.oid = coalesce(e.typreceive, t.typreceive)) AS receive,
       (SELECT array_agg(l.enumlabel::text) FROM pg_enum l WHERE l.enumtypid = coalesce(e.oid, t.oid)) AS labels
FROM bare b
JOIN pg_type t ON t.oid = b.type
LEFT JOIN pg_type e ON e.typarray = t.oid
ORDER BY b.spelled, b.depth DESC

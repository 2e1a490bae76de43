-- How many rows differ in which way, and the places of the first $1 of each kind. Rows of the same key are paired in the order
-- of their values, so that a key that is not unique, or none at all, is no reason to fail.
WITH new_side AS (
    SELECT ROW({key})::text AS k, ROW({columns})::text AS v, ctid AS at,
           row_number() OVER (PARTITION BY ROW({key})::text ORDER BY ROW({columns})::text) AS n
    FROM {new}
), old_side AS (
    SELECT ROW({key})::text AS k, ROW({columns})::text AS v, ctid AS at,
           row_number() OVER (PARTITION BY ROW({key})::text ORDER BY ROW({columns})::text) AS n
    FROM {old}
), differing AS (
    SELECT coalesce(n.k, o.k) AS k, n.at AS new_at, o.at AS old_at,
           CASE WHEN o.k IS NULL THEN 'added' WHEN n.k IS NULL THEN 'removed' ELSE 'changed' END AS kind
    FROM new_side n FULL JOIN old_side o ON n.k = o.k AND n.n = o.n
    WHERE n.v IS DISTINCT FROM o.v
), numbered AS (
    SELECT kind, new_at, old_at, count(*) OVER (PARTITION BY kind) AS rows,
           row_number() OVER (PARTITION BY kind ORDER BY k, coalesce(new_at, old_at)) AS place
    FROM differing
)
SELECT kind, rows, new_at::text, old_at::text FROM numbered WHERE place <= $1 ORDER BY kind, place

-- takes the old ones away
WITH gone AS (
    DELETE FROM hpd_violations RETURNING *
)
SELECT * FROM gone;

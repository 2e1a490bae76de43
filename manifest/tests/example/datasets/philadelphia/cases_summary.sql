-- A table of ours, not of the dataset: the dataset's own are what was just loaded.
DELETE FROM reports.cases_by_month;
INSERT INTO reports.cases_by_month
SELECT date_trunc('month', opened), count(*) FROM cases GROUP BY 1;

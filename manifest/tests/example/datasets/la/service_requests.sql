SELECT srnumber, requesttype, createddate AS created_date, closeddate AS closed_date, cd AS council_id
FROM requests
WHERE createddate >= now() - interval '4 years'

-- Requests that have a place, by neighborhood council, type and agency. Without a council they belong to number 0.
SELECT srnumber,
       requesttype AS type_name,
       owner AS agency_name,
       requestsource AS source_name,
       coalesce(nc, 0) AS council_id,
       ncname AS council_name,
       cd AS council_district,
       status,
       createddate::date AS created_date,
       closeddate::date AS closed_date,
       closeddate IS NOT NULL AS is_closed,
       CASE WHEN closeddate >= createddate THEN closeddate::date - createddate::date END AS days_to_close,
       address,
       zipcode,
       latitude,
       longitude
  FROM requests
 WHERE latitude IS NOT NULL
   AND longitude IS NOT NULL

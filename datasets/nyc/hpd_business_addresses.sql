-- Business addresses that registrations give, each with the registrations and companies that share it.
SELECT businesshousenumber,
       businessstreetname,
       businesszip,
       count(*) AS numberofcontacts,
       array_agg(DISTINCT registrationid ORDER BY registrationid) AS registrationids,
       count(DISTINCT registrationid) AS numberofregistrations,
       array_agg(DISTINCT upper(btrim(corporationname))) FILTER (WHERE btrim(corporationname) <> '') AS corporationnames
  FROM hpd_contacts
 WHERE businesshousenumber IS NOT NULL
   AND businessstreetname IS NOT NULL
 GROUP BY businesshousenumber, businessstreetname, businesszip

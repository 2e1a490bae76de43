-- Companies that own buildings, each with the registrations that name it, however its name was typed.
SELECT upper(btrim(corporationname)) AS corporationname,
       count(*) AS numberofcontacts,
       array_agg(DISTINCT registrationid ORDER BY registrationid) AS registrationids,
       count(DISTINCT registrationid) AS numberofregistrations,
       array_agg(DISTINCT businesszip ORDER BY businesszip) FILTER (WHERE businesszip IS NOT NULL) AS businesszips
  FROM hpd_contacts
 WHERE type = 'CorporateOwner'
   AND btrim(corporationname) <> ''
 GROUP BY upper(btrim(corporationname))

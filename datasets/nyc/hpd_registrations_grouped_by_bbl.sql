-- One row for each tax lot: its latest registration, and the numbers of all buildings and registrations on it.
SELECT DISTINCT ON (bbl)
       housenumber,
       streetname,
       zip,
       boro,
       registrationid,
       lastregistrationdate,
       registrationenddate,
       bbl,
       array_agg(registrationid) OVER lot AS registrationids,
       array_agg(buildingid) OVER lot AS buildingids
  FROM hpd_registrations
 WHERE bbl IS NOT NULL
WINDOW lot AS (PARTITION BY bbl ORDER BY registrationid, buildingid
               ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
 ORDER BY bbl, registrationenddate DESC NULLS LAST, lastregistrationdate DESC NULLS LAST, registrationid DESC

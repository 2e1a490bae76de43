-- One row for each tax lot with everybody who stands behind its registrations: companies, their business addresses, and people by role.
WITH contacts AS (
    SELECT r.bbl,
           c.type,
           nullif(upper(btrim(c.corporationname)), '') AS company,
           nullif(concat_ws(' ', c.firstname, c.lastname), '') AS person,
           CASE WHEN c.businesshousenumber IS NOT NULL AND c.businessstreetname IS NOT NULL THEN
               concat_ws(' ', c.businesshousenumber, c.businessstreetname, c.businessapartment, c.businesscity, c.businessstate, c.businesszip)
           END AS address
      FROM hpd_registrations r
      JOIN hpd_contacts c USING (registrationid)
     WHERE r.bbl IS NOT NULL
),
behind AS (
    SELECT bbl,
           array_agg(DISTINCT company) FILTER (WHERE company IS NOT NULL) AS corpnames,
           array_agg(DISTINCT address) FILTER (WHERE address IS NOT NULL) AS businessaddrs,
           jsonb_agg(DISTINCT jsonb_build_object('title', type, 'value', person)) FILTER (WHERE person IS NOT NULL) AS ownernames
      FROM contacts
     GROUP BY bbl
)
SELECT lot.*, behind.corpnames, behind.businessaddrs, behind.ownernames
  FROM hpd_registrations_grouped_by_bbl lot
  LEFT JOIN behind USING (bbl)

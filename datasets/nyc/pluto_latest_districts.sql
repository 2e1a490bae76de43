-- Every tax lot as a point with the districts it lies in. A lot on a border belongs to the one with the lowest number.
WITH lots AS (
    SELECT bbl, borough, block, lot, address, postcode, unitsres, unitstotal, ownername, latitude, longitude,
           CASE WHEN xcoord IS NOT NULL AND ycoord IS NOT NULL THEN ST_SetSRID(ST_MakePoint(xcoord, ycoord), 2263) END AS geom
      FROM pluto_latest
)
SELECT lots.bbl,
       lots.borough,
       lots.block,
       lots.lot,
       lots.address,
       lots.postcode,
       lots.unitsres,
       lots.unitstotal,
       lots.ownername,
       lots.latitude,
       lots.longitude,
       nyad.assemdist,
       nyss.stsendist,
       nycg.congdist,
       nycc.coundist,
       nymc.municourt,
       nyed.electdist,
       nycd.borocd,
       nysd.schooldist,
       nypp.precinct,
       nyha.healtharea,
       nyfb.fire_bn,
       nyfd.fire_div,
       nta.nta2020,
       nta.ntaname AS nta2020_name,
       tract.boroct2020,
       lots.geom
  FROM lots
  LEFT JOIN LATERAL (SELECT d.assemdist FROM nyad d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.assemdist LIMIT 1) nyad ON true
  LEFT JOIN LATERAL (SELECT d.stsendist FROM nyss d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.stsendist LIMIT 1) nyss ON true
  LEFT JOIN LATERAL (SELECT d.congdist FROM nycg d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.congdist LIMIT 1) nycg ON true
  LEFT JOIN LATERAL (SELECT d.coundist FROM nycc d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.coundist LIMIT 1) nycc ON true
  LEFT JOIN LATERAL (SELECT d.municourt FROM nymc d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.municourt LIMIT 1) nymc ON true
  LEFT JOIN LATERAL (SELECT d.electdist FROM nyed d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.electdist LIMIT 1) nyed ON true
  LEFT JOIN LATERAL (SELECT d.borocd FROM nycd d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.borocd LIMIT 1) nycd ON true
  LEFT JOIN LATERAL (SELECT d.schooldist FROM nysd d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.schooldist LIMIT 1) nysd ON true
  LEFT JOIN LATERAL (SELECT d.precinct FROM nypp d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.precinct LIMIT 1) nypp ON true
  LEFT JOIN LATERAL (SELECT d.healtharea FROM nyha d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.healtharea LIMIT 1) nyha ON true
  LEFT JOIN LATERAL (SELECT d.fire_bn FROM nyfb d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.fire_bn LIMIT 1) nyfb ON true
  LEFT JOIN LATERAL (SELECT d.fire_div FROM nyfd d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.fire_div LIMIT 1) nyfd ON true
  LEFT JOIN LATERAL (SELECT d.nta2020, d.ntaname FROM nynta2020 d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.nta2020 LIMIT 1) nta ON true
  LEFT JOIN LATERAL (SELECT d.boroct2020 FROM nyct2020 d WHERE ST_Covers(d.geom, lots.geom) ORDER BY d.boroct2020 LIMIT 1) tract ON true

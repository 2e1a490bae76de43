-- The district that holds the lot's point; a lot outside of all districts stays, without one.
WITH lots AS (
    SELECT bbl, st_transform(st_setsrid(st_makepoint(longitude, latitude), 4326), 2263) AS geom
    FROM pluto_latest
    WHERE longitude IS NOT NULL
)
SELECT lots.bbl, nycc.coundist AS council_district, nycd.borocd AS community_district, lots.geom
FROM lots
LEFT JOIN nycc ON st_contains(nycc.geom, lots.geom)
LEFT JOIN nycd ON st_contains(nycd.geom, lots.geom);

//! The reference system of a `.prj` file, as far as its text says which of EPSG's it is: by its authority, or by the name that ESRI
//! gives to one that cities use.

/// Names of ESRI, in lower case and without anything but letters and digits, and the number in EPSG.
const NAMES: &[(&str, u32)] = &[
    ("gcswgs1984", 4326),
    ("wgs84", 4326),
    ("gcsnorthamerican1983", 4269),
    ("nad83", 4269),
    ("gcsnorthamerican1927", 4267),
    ("wgs1984webmercatorauxiliarysphere", 3857),
    ("wgs84pseudomercator", 3857),
    ("nad1983stateplanenewyorklongislandfips3104feet", 2263),
    ("nad83newyorklongislandftus", 2263),
    ("nad1983stateplanenewyorklongislandfips3104", 32118),
    ("nad1983stateplanecaliforniavfips0405feet", 2229),
    ("nad1983stateplanecaliforniaiiifips0403feet", 2227),
    ("nad1983stateplaneillinoiseastfips1201feet", 3435),
    ("nad1983stateplanepennsylvaniasouthfips3702feet", 2272),
    ("nad1983stateplanemassachusettsmainlandfips2001feet", 2249),
    ("nad1983stateplanemassachusettsmainlandfips2001", 26986),
    ("nad1983stateplanemarylandfips1900", 26985),
    ("nad1983stateplanewashingtonnorthfips4601feet", 2285),
    ("nad1983stateplanetexassouthcentralfips4204feet", 2278),
    ("nad1983stateplanetexascentralfips4203feet", 2277),
    ("nad1983stateplaneoregonnorthfips3601feet", 2913),
];

/// The number in EPSG; `None` where the text does not say.
pub fn srid(prj: &str) -> Option<u32> {
    let squeezed: String = prj.chars().filter(|c| !c.is_whitespace()).collect();
    // The last authority is that of the whole; those before it are of its parts.
    if let Some((_, code)) = squeezed.rsplit_once("AUTHORITY[\"EPSG\",")
        && squeezed.ends_with("]]")
        && let Ok(code) = code.trim_end_matches(']').trim_matches('"').parse()
    {
        return Some(code);
    }
    let (kind, rest) = squeezed.split_once("[\"")?;
    let name = rest.split('"').next()?;
    if !matches!(kind, "PROJCS" | "GEOGCS" | "PROJCRS" | "GEOGCRS") {
        return None;
    }
    let name: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    if let Some((_, code)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*code);
    }
    [("nad1983utmzone", 26_900), ("wgs1984utmzone", 32_600)].into_iter().find_map(|(prefix, base)| {
        let zone: u32 = name.strip_prefix(prefix)?.strip_suffix('n')?.parse().ok()?;
        (1..=60).contains(&zone).then_some(base + zone)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_system_is_known_by_its_authority_or_its_name() {
        for (text, known) in [
            (
                "GEOGCS[\"GCS_WGS_1984\",DATUM[\"D_WGS_1984\",SPHEROID[\"WGS_1984\",6378137.0,298.257223563]]]",
                Some(4326),
            ),
            (
                "PROJCS[\"NAD_1983_StatePlane_New_York_Long_Island_FIPS_3104_Feet\",GEOGCS[\"GCS_North_American_1983\"]]",
                Some(2263),
            ),
            ("PROJCS[\"x\", GEOGCS[\"y\", AUTHORITY[\"EPSG\",\"4269\"]], AUTHORITY[\"EPSG\",\"2229\"]]", Some(2229)),
            ("PROJCS[\"WGS_1984_UTM_Zone_18N\",GEOGCS[]]", Some(32618)),
            ("PROJCS[\"Somewhere\",GEOGCS[\"GCS_WGS_1984\"]]", None),
            ("", None),
        ] {
            assert_eq!(srid(text), known, "{text}");
        }
    }
}

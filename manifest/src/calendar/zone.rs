//! Time zones by IANA name, from the database compiled in, so that a laptop, CI and the worker agree whatever their systems carry.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::Refusal;

/// The longest name EventBridge Scheduler takes.
const MAX_NAME: usize = 50;

/// Some of these are names in the database too: of zones that never change their clocks, which is not what is meant.
const ABBREVIATIONS: &[(&[&str], &str)] = &[
    (&["EST", "EDT", "ET", "EST5EDT", "Eastern"], "America/New_York"),
    (&["CST", "CDT", "CT", "CST6CDT", "Central"], "America/Chicago"),
    (&["MST", "MDT", "MT", "MST7MDT", "Mountain"], "America/Denver"),
    (&["PST", "PDT", "PT", "PST8PDT", "Pacific"], "America/Los_Angeles"),
    (&["HST"], "Pacific/Honolulu"),
    (&["GMT", "BST"], "Europe/London"),
    (&["CET", "CEST", "MET"], "Europe/Berlin"),
];

/// The zone of that name, which must be written exactly as IANA does. A near miss is answered with the name that was meant.
pub fn zone(name: &str) -> Result<TimeZone, Refusal> {
    let refuse = |why: String| Refusal::new(0, name.len(), why);
    if name.len() > MAX_NAME {
        return Err(refuse(format!("a time zone's name has at most {MAX_NAME} characters")));
    }
    if let Some((_, city)) = ABBREVIATIONS.iter().find(|(names, _)| names.contains(&name)) {
        let why = format!("`{name}` is an abbreviation, not a place whose clocks change");
        return Err(refuse(why).with_help(format!("did you mean {city}?")));
    }
    let database = TimeZoneDatabase::bundled();
    match database.get(name) {
        Ok(zone) if zone.iana_name() == Some(name) => Ok(zone),
        Ok(zone) => {
            let right = zone.iana_name().unwrap_or("UTC").to_owned();
            Err(refuse(format!("`{name}` is not a time zone")).with_help(format!("did you mean {right}?")))
        }
        Err(_) => {
            let refusal = refuse(format!("`{name}` is not a time zone"));
            let nearest = database
                .available()
                .map(|candidate| {
                    (strsim::damerau_levenshtein(&candidate.as_str().to_lowercase(), &name.to_lowercase()), candidate)
                })
                .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.as_str().cmp(b.1.as_str())));
            Err(match nearest {
                Some((distance, candidate)) if distance <= 3 => {
                    refusal.with_help(format!("did you mean {}?", candidate.as_str()))
                }
                _ => refusal.with_help("write an IANA name such as America/New_York or UTC"),
            })
        }
    }
}

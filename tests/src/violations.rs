//! Rows in the shape of New York's housing violations: 41 columns, about 490 bytes a row, the publisher's own spelling
//! of headers, dates and blanks. The same seed gives the same bytes on every machine, so that two loaders can be
//! compared and a run repeated.

use std::io::{self, Write};

use jiff::ToSpan;
use jiff::civil::{Date, date};

use crate::random::Numbers;

/// The publisher's header line.
pub const HEADER: &str = "ViolationID,BuildingID,RegistrationID,BoroID,Borough,HouseNumber,LowHouseNumber,\
HighHouseNumber,StreetName,StreetCode,Postcode,Apartment,Story,Block,Lot,Class,InspectionDate,ApprovedDate,\
OriginalCertifyByDate,OriginalCorrectByDate,NewCertifyByDate,NewCorrectByDate,CertifiedDate,OrderNumber,NOVID,\
NOVDescription,NOVIssuedDate,CurrentStatusID,CurrentStatus,CurrentStatusDate,NovType,ViolationStatus,RentImpairing,\
Latitude,Longitude,CommunityBoard,CouncilDistrict,CensusTract,BIN,BBL,NTA";

/// Columns of a row.
pub const COLUMNS: usize = 41;

const BOROUGHS: [&str; 5] = ["MANHATTAN", "BRONX", "BROOKLYN", "QUEENS", "STATEN ISLAND"];
const STREETS: [&str; 8] = [
    "EXAMPLE STREET",
    "SAMPLE AVENUE",
    "GRAND ILLUSTRATION CONCOURSE",
    "ANY PLACE",
    "EAST MODEL PARKWAY",
    "SPECIMEN BOULEVARD",
    "WEST 151 STREET",
    "PATTERN ROAD",
];
const STORIES: [&str; 6] = ["1", "2", "3", "All Stories", "Yards / Courts", "Cellar"];
const STATUSES: [(u32, &str, &str); 5] = [
    (2, "NOV SENT OUT", "Open"),
    (9, "VIOLATION DISMISSED", "Close"),
    (19, "VIOLATION CLOSED", "Close"),
    (28, "INFO NOV SENT OUT", "Open"),
    (21, "COMPLAINT INSPECTION REQUESTED", "Open"),
];
const NEIGHBOURHOODS: [&str; 5] =
    ["West Concourse", "Rugby-Remsen Village", "Lower East Side", "Bedford Park-Fordham North", "Great Kills"];
const DEFECTS: [&str; 6] = [
    "SECTION 27-2005 ADM CODE PROPERLY REPAIR WITH SIMILAR MATERIAL THE BROKEN OR DEFECTIVE CERAMIC FLOOR TILES",
    "SECTION 27-2040 ADM CODE PROVIDE ADEQUATE LIGHTING AT OR NEAR THE OUTSIDE OF THE FRONT ENTRANCEWAY OF THE BUILDING AND KEEP SAME BURNING FROM SUNSET EVERY DAY TO SUNRISE ON THE DAY FOLLOWING",
    "SECTION 27-2013 ADM CODE PAINT WITH LIGHT COLORED PAINT TO THE SATISFACTION OF THIS DEPARTMENT THE CEILING AND WALLS",
    "HMC ADM CODE: § 27-2017.4 ABATE THE INFESTATION CONSISTING OF ROACHES",
    "SECTION 27-2029 ADM CODE PROVIDE ADEQUATE SUPPLY OF HEAT",
    "SECTION 27-2026 ADM CODE REPAIR THE LEAKY AND/OR DEFECTIVE FAUCETS AND PROPERLY CONNECT THE WASTE LINE BENEATH THE SINK",
];
const ROOMS: [&str; 5] = ["BATHROOM", "KITCHEN", "PRIVATE HALLWAY", "1ST ROOM FROM NORTH", "ENTIRE APARTMENT"];

/// Writes the header and `rows` rows. `generation` is in every row's `OrderNumber`, so that a reader can tell files apart.
pub fn write(out: &mut impl Write, rows: u64, generation: u32) -> io::Result<()> {
    writeln!(out, "{HEADER}")?;
    let mut numbers = Numbers::of(u64::from(generation).wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995);
    for row in 0..rows {
        write_row(out, 10_000_000 + row, generation, &mut numbers)?;
    }
    Ok(())
}

fn write_row(out: &mut impl Write, id: u64, generation: u32, numbers: &mut Numbers) -> io::Result<()> {
    let borough = numbers.below(5);
    let (block, lot) = (1 + numbers.below(9_999), 1 + numbers.below(99));
    let house = 1 + numbers.below(1_200);
    let story = numbers.pick(&STORIES);
    let (status_id, status, open) = numbers.pick(&STATUSES);
    let inspected = Day(date(2014, 1, 1)).plus(i64::try_from(numbers.below(4_000)).unwrap_or_default());
    write!(
        out,
        "{id},{building},{registration},{boro},{borough_name},{house},{house},{high},{street},{code:05},{zip},{apartment},",
        building = 1_000 + numbers.below(900_000),
        registration = numbers.below(400_000),
        boro = borough + 1,
        borough_name = BOROUGHS[usize::try_from(borough).unwrap_or_default()],
        high = house + numbers.below(6),
        street = numbers.pick(&STREETS),
        code = numbers.below(99_999),
        zip = 10_001 + numbers.below(1_600),
        apartment = Apartment(numbers.below(70)),
    )?;
    write!(
        out,
        "{story},{block},{lot},{class},{inspected},{approved},{certify},{correct},,,{certified},{generation},{nov},",
        class = ["A", "B", "C"][usize::try_from(numbers.below(3)).unwrap_or_default()],
        approved = inspected.plus(2),
        certify = inspected.plus(52),
        correct = inspected.plus(38),
        certified = Maybe(numbers.below(2) == 0, inspected.plus(44)),
        nov = 4_000_000 + numbers.below(4_000_000),
    )?;
    write!(
        out,
        "\"{defect} , IN THE {room} LOCATED AT APT {apartment}, {story} STORY, {nth}th APARTMENT FROM NORTH AT EAST\",",
        defect = numbers.pick(&DEFECTS),
        room = numbers.pick(&ROOMS),
        apartment = 1 + numbers.below(60),
        nth = 1 + numbers.below(9),
    )?;
    write!(
        out,
        "{issued},{status_id},{status},{changed},Original,{open},{rent},40.{lat:06},-73.{lon:06},",
        issued = inspected.plus(3),
        changed = inspected.plus(i64::try_from(numbers.below(300)).unwrap_or_default()),
        rent = if numbers.below(20) == 0 { "Y" } else { "N" },
        lat = 500_000 + numbers.below(400_000),
        lon = 700_000 + numbers.below(299_999),
    )?;
    writeln!(
        out,
        "{board},{council},{tract},{boro}{bin:06},{boro}{block:05}{lot:04},{nta}",
        board = 1 + numbers.below(18),
        council = 1 + numbers.below(51),
        tract = 1 + numbers.below(1_900),
        boro = borough + 1,
        bin = numbers.below(999_999),
        nta = numbers.pick(&NEIGHBOURHOODS),
    )
}

/// A date, written as the publisher does: `10/09/2013`.
#[derive(Clone, Copy)]
struct Day(Date);

impl Day {
    fn plus(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.days()))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}/{:02}/{:04}", self.0.month(), self.0.day(), self.0.year())
    }
}

struct Maybe(bool, Day);

impl std::fmt::Display for Maybe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 { self.1.fmt(f) } else { Ok(()) }
    }
}

/// `4C`, or nothing.
struct Apartment(u64);

impl std::fmt::Display for Apartment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0..10 => Ok(()),
            n => write!(
                f,
                "{}{}",
                n / 10,
                ["A", "B", "C", "D", "E", "F", "G", "H", "J", "K"][usize::try_from(n % 10).unwrap_or_default()]
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_as_long_and_as_wide_as_the_publishers() {
        let mut file = Vec::new();
        write(&mut file, 2_000, 1).expect("memory takes it");
        let text = String::from_utf8(file).expect("UTF-8");
        let mean = text.len() / 2_000;
        assert!((430..550).contains(&mean), "{mean} bytes a row");
        assert_eq!(HEADER.split(',').count(), COLUMNS);
        for line in text.lines() {
            let mut quoted = false;
            let commas = line
                .chars()
                .filter(|c| {
                    if *c == '"' {
                        quoted = !quoted;
                    }
                    *c == ',' && !quoted
                })
                .count();
            assert_eq!(commas, COLUMNS - 1, "{line}");
        }
    }

    #[test]
    fn the_same_generation_gives_the_same_bytes_and_another_gives_others() {
        let file = |generation| {
            let mut file = Vec::new();
            write(&mut file, 50, generation).expect("memory takes it");
            file
        };
        assert_eq!(file(1), file(1));
        assert_ne!(file(1), file(2));
    }
}

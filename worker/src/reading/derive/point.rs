//! A point of longitude and latitude in degrees, in WGS 84, as extended well-known text.

/// Writes `SRID=4326;POINT(-73.98 40.75)`. What lies beyond the globe is refused: mostly it is of another reference system.
pub(super) fn point(longitude: &[u8], latitude: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    degrees(longitude, 180.0).ok_or("not_a_longitude")?;
    degrees(latitude, 90.0).ok_or("not_a_latitude")?;
    out.extend_from_slice(b"SRID=4326;POINT(");
    out.extend_from_slice(longitude);
    out.push(b' ');
    out.extend_from_slice(latitude);
    out.push(b')');
    Ok(())
}

/// A number without a unit, between `-most` and `most`.
fn degrees(text: &[u8], most: f64) -> Option<f64> {
    let is_plain = text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let number: f64 = std::str::from_utf8(text).ok().filter(|_| is_plain)?.parse().ok()?;
    (number.abs() <= most).then_some(number)
}

#[cfg(test)]
mod tests {
    use manifest::dataset::Function;

    use super::super::tests::made;

    #[test]
    fn a_place_is_where_its_degrees_say() {
        let place = made(Function::Point, &[" -73.985130 ", "40.748817"]);
        assert_eq!(place, Ok(Some("SRID=4326;POINT(-73.985130 40.748817)".to_owned())));
        assert_eq!(made(Function::Point, &["0", "51.47"]), Ok(Some("SRID=4326;POINT(0 51.47)".to_owned())));
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for (longitude, latitude, code) in [
            ("987214", "40.7", "not_a_longitude"),
            ("-73.9", "90.1", "not_a_latitude"),
            ("40° N", "1", "not_a_longitude"),
            ("inf", "1", "not_a_longitude"),
            ("1", "NaN", "not_a_latitude"),
        ] {
            assert_eq!(made(Function::Point, &[longitude, latitude]), Err(code), "{longitude} {latitude}");
        }
    }
}

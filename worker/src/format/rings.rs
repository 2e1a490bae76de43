//! Rings that stand side by side become polygons with their holes. Outer rings run clockwise and holes against it; where a file has it
//! the other way round, what lies in no other ring is an outer one all the same.

/// A point: two floating-point numbers, least significant byte first.
type Corner = [u8; 16];

fn xy(corner: &Corner) -> (f64, f64) {
    let (halves, _) = corner.as_chunks::<8>();
    (f64::from_le_bytes(halves[0]), f64::from_le_bytes(halves[1]))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Inside,
    Outside,
    Edge,
}

/// The rings of each polygon, by number, its outer one first.
pub(super) fn polygons(rings: &[&[Corner]]) -> Vec<Vec<usize>> {
    if rings.len() < 2 {
        return rings.iter().enumerate().map(|(ring, _)| vec![ring]).collect();
    }
    let boxes: Vec<_> = rings.iter().map(|ring| bounds(ring)).collect();
    let areas: Vec<f64> = rings.iter().map(|ring| area(ring)).collect();
    let outer: Vec<usize> = (0..rings.len()).filter(|ring| areas[*ring] <= 0.0).collect();
    let mut polygons: Vec<Vec<usize>> = outer.iter().map(|ring| vec![*ring]).collect();
    for hole in (0..rings.len()).filter(|ring| areas[*ring] > 0.0) {
        let holds = |ring: &usize| within(boxes[hole], boxes[*ring]) && lies_in(rings[hole], rings[*ring]);
        // The smallest of the rings around it is the one that it is a hole of.
        let around = outer.iter().enumerate().filter(|(_, ring)| holds(ring));
        let nearest = around.min_by(|(_, one), (_, other)| areas[**one].abs().total_cmp(&areas[**other].abs()));
        match nearest {
            Some((polygon, _)) => polygons[polygon].push(hole),
            None => polygons.push(vec![hole]),
        }
    }
    polygons
}

/// Twice the area, below zero where the ring runs clockwise.
fn area(ring: &[Corner]) -> f64 {
    let Some((x0, y0)) = ring.first().map(xy) else { return 0.0 };
    let pairs = ring.windows(2).map(|pair| {
        let ((x1, y1), (x2, y2)) = (xy(&pair[0]), xy(&pair[1]));
        // Differences to the first corner keep the digits that large coordinates would lose.
        (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    });
    pairs.sum()
}

fn bounds(ring: &[Corner]) -> [f64; 4] {
    let none = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    ring.iter().map(xy).fold(none, |[x0, y0, x1, y1], (x, y)| [x0.min(x), y0.min(y), x1.max(x), y1.max(y)])
}

fn within(inner: [f64; 4], outer: [f64; 4]) -> bool {
    inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3]
}

/// Whether a ring lies in another; the first corner that is not on its edge tells.
fn lies_in(ring: &[Corner], outer: &[Corner]) -> bool {
    let sides = ring.iter().map(|corner| side(xy(corner), outer));
    sides.into_iter().find(|side| *side != Side::Edge) != Some(Side::Outside)
}

fn side((x, y): (f64, f64), ring: &[Corner]) -> Side {
    let mut inside = false;
    for pair in ring.windows(2) {
        let ((x1, y1), (x2, y2)) = (xy(&pair[0]), xy(&pair[1]));
        let cross = (x2 - x1) * (y - y1) - (x - x1) * (y2 - y1);
        let on_line = cross == 0.0;
        if on_line && x >= x1.min(x2) && x <= x1.max(x2) && y >= y1.min(y2) && y <= y1.max(y2) {
            return Side::Edge;
        }
        if (y1 > y) != (y2 > y) && (cross > 0.0) == (y2 > y1) {
            inside = !inside;
        }
    }
    if inside { Side::Inside } else { Side::Outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ring of corners, closed.
    fn ring(corners: &[(f64, f64)]) -> Vec<Corner> {
        let closed = corners.iter().chain(corners.first());
        closed.map(|(x, y)| [x.to_le_bytes(), y.to_le_bytes()].concat().try_into().unwrap()).collect()
    }

    /// A square that runs clockwise.
    fn square(x: f64, y: f64, size: f64) -> Vec<Corner> {
        ring(&[(x, y), (x, y + size), (x + size, y + size), (x + size, y)])
    }

    fn hole(x: f64, y: f64, size: f64) -> Vec<Corner> {
        let mut hole = square(x, y, size);
        hole.reverse();
        hole
    }

    fn of(rings: &[Vec<Corner>]) -> Vec<Vec<usize>> {
        let rings: Vec<&[Corner]> = rings.iter().map(Vec::as_slice).collect();
        polygons(&rings)
    }

    #[test]
    fn a_hole_belongs_to_the_smallest_ring_around_it() {
        let rings = [
            hole(12.0, 12.0, 1.0),
            square(0.0, 0.0, 30.0),
            hole(10.0, 10.0, 10.0),
            square(11.0, 11.0, 5.0),
            hole(1.0, 1.0, 2.0),
        ];
        assert_eq!(of(&rings), [vec![1, 2, 4], vec![3, 0]]);
    }

    #[test]
    fn a_hole_that_touches_the_edge_still_lies_in_it() {
        assert_eq!(of(&[square(0.0, 0.0, 4.0), ring(&[(0.0, 2.0), (2.0, 1.0), (2.0, 3.0)])]), [[0, 1]]);
    }

    #[test]
    fn rings_that_run_the_wrong_way_are_polygons_of_their_own() {
        assert_eq!(of(&[hole(0.0, 0.0, 1.0), hole(5.0, 5.0, 1.0)]), [[0], [1]]);
        assert_eq!(of(&[hole(0.0, 0.0, 1.0)]), [[0]]);
        assert_eq!(of(&[square(0.0, 0.0, 1.0), hole(5.0, 5.0, 1.0)]), [[0], [1]]);
        assert!(of(&[]).is_empty());
    }
}

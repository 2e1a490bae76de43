//! Random texts for every type, most of them near a value and some slightly damaged: what sources write, what PostgreSQL accepts,
//! and what lies just beside either. The same seed gives the same texts. This file depends on nothing, so that a test with a
//! server at hand can include it and compare what is stored with what `'text'::type` gives.

/// The types that there are specimens for.
pub(crate) const TYPES: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "numeric(9,2)",
    "numeric(20)",
    "numeric(3,-2)",
    "numeric(2,4)",
    "real",
    "double precision",
    "boolean",
    "text",
    "varchar(5)",
    "char(5)",
    "date",
    "time",
    "time(0)",
    "timestamp",
    "timestamp(3)",
    "timestamptz",
    "uuid",
    "inet",
    "cidr",
    "inet[]",
    "json",
    "jsonb",
    "bytea",
    "text[]",
    "integer[]",
    "date[]",
    "numeric(9,2)[]",
    "bigint[]",
    "real[]",
    "boolean[]",
    "varchar(5)[]",
    "char(5)[]",
    "time[]",
    "timestamp[]",
    "timestamptz[]",
    "uuid[]",
    "jsonb[]",
    "bytea[]",
];

/// Types that a database makes itself, of these labels.
#[allow(dead_code, reason = "only a test with a server at hand has them")]
pub(crate) const OWN_TYPES: &[&str] = &["mood", "mood[]"];
pub(crate) const MOODS: &[&str] = &["sad", "ok", "very happy", "Häppy", "a,b", "null"];

/// A source of texts.
pub(crate) struct Specimens(u64);

impl Specimens {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A text for a type of [`TYPES`].
    pub(crate) fn text(&mut self, column: &str) -> String {
        if let Some(element) = column.strip_suffix("[]") {
            return self.array(element);
        }
        match column.split('(').next().unwrap_or(column) {
            "smallint" => self.number(6, 3, 5),
            "integer" => self.number(11, 3, 9),
            "bigint" => self.number(20, 3, 19),
            "numeric" => self.numeric(column),
            "real" | "double precision" => self.float(),
            "boolean" => {
                let word = self
                    .pick(&["t", "TRUE", "y", "Yes", "1", "x", "on", "f", "false", "N", "no", "0", "OFF", "tr", "2"]);
                self.damaged(word.to_owned(), "tfyn01x ")
            }
            "date" => {
                let text = if self.one_in(6) { self.moment() } else { self.day() };
                self.damaged(text, "0123456789-/. T")
            }
            "time" => {
                let text = self.time();
                self.damaged(text, "0123456789:. AMPapm")
            }
            "timestamp" | "timestamptz" => self.moment(),
            "uuid" => self.uuid(),
            "inet" | "cidr" => self.network(),
            "json" | "jsonb" => {
                let text = self.json(0);
                self.damaged(text, "{}[]\",:0e. \\")
            }
            "mood" => {
                let mood = self.pick(MOODS);
                self.damaged(mood.to_owned(), "sadoky H,")
            }
            "bytea" => {
                let text = format!("\\x{}", self.digits(10));
                self.damaged(text, "0aG \\x")
            }
            _ => self.characters(7),
        }
    }

    /// xorshift64*.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::try_from(self.below(among.len() as u64)).unwrap_or(0)]
    }

    /// Now and then with one character inserted, removed or replaced.
    fn damaged(&mut self, text: String, marks: &str) -> String {
        if !self.one_in(6) || text.is_empty() {
            return text;
        }
        let marks: Vec<char> = marks.chars().collect();
        let mut text: Vec<char> = text.chars().collect();
        let at = usize::try_from(self.below(text.len() as u64)).unwrap_or(0);
        match self.below(3) {
            0 => text.insert(at, self.pick(&marks)),
            1 => text[at] = self.pick(&marks),
            _ => drop(text.remove(at)),
        }
        text.into_iter().collect()
    }

    fn digits(&mut self, most: u64) -> String {
        let length = self.below(most + 1);
        (0..length)
            .map(|_| if self.one_in(4) { '0' } else { self.pick(&['0', '1', '2', '5', '7', '8', '9']) })
            .collect()
    }

    fn number(&mut self, whole: u64, fraction: u64, exponent: u64) -> String {
        let mut text = self.digits(whole);
        if self.one_in(4) {
            let marks = text.len();
            text = text.char_indices().fold(String::new(), |text, (i, digit)| {
                let comma = if i > 0 && (marks - i).is_multiple_of(3) { "," } else { "" };
                text + comma + &digit.to_string()
            });
        }
        if self.one_in(2) {
            text = text + "." + &self.digits(fraction) + self.pick(&["", "", "0", "000"]);
        }
        if exponent > 0 && self.one_in(4) {
            text = text + self.pick(&["e", "E"]) + self.pick(&["", "-", "+"]) + &self.below(exponent).to_string();
        }
        let dollar = self.pick(&["", "", "", "", "$"]);
        let sign = self.pick(&["", "", "-", "-", "+"]);
        let text = if self.one_in(10) { format!("({dollar}{text})") } else { format!("{sign}{dollar}{text}") };
        let text = if self.one_in(10) { format!(" {text} ") } else { text };
        self.damaged(text, "0123456789.,-+eE $()")
    }

    fn numeric(&mut self, column: &str) -> String {
        match column {
            "numeric(9,2)" => self.number(8, 4, 4),
            "numeric(20)" => self.number(21, 2, 20),
            "numeric(3,-2)" => self.number(4, 1, 6) + self.pick(&["", "00"]),
            "numeric(2,4)" => format!("0.00{}", self.digits(3)),
            _ if self.one_in(50) => self.number(3_000, 3_000, 20_000),
            _ if self.one_in(60) => self.pick(&["NaN", "inf", "-Infinity", "+inf", "-nan", "infinit"]).to_owned(),
            _ => self.number(22, 22, 40),
        }
    }

    fn float(&mut self) -> String {
        match self.below(4) {
            0 => format!("{}", f64::from_bits(self.next())),
            1 => format!("{:e}", f64::from_bits(self.next())),
            2 => format!("{}", f32::from_bits(u32::try_from(self.next() >> 32).unwrap_or(0))),
            _ => self.number(20, 20, 330),
        }
    }

    fn day(&mut self) -> String {
        if self.one_in(60) {
            return self.pick(&["infinity", "-infinity", "Infinity", "epoch", "now", "inf"]).to_owned();
        }
        let year = match self.below(8) {
            0 => self.below(5),
            1 => 1 + self.below(300_000),
            2 => 5_874_890 + self.below(12),
            _ => 1_700 + self.below(500),
        };
        let month = if self.one_in(20) { self.below(15) } else { 1 + self.below(12) };
        let day = if self.one_in(10) { self.below(34) } else { 1 + self.below(31) };
        let name =
            self.pick(&["Jan", "FEB", "march", "Apr", "may", "June", "jul", "August", "Sept", "October", "nov", "DEC"]);
        match self.below(13) {
            0..=2 => format!("{year:04}-{month:02}-{day:02}"),
            3 => format!("{year:04}-{month}-{day}"),
            4 => format!("{year:04}/{month:02}/{day:02}"),
            5 => format!("{month:02}/{day:02}/{year:04}"),
            6 => format!("{month}/{day}/{year:04}"),
            7 => format!("{month}/{day}/{:02}", year % 100),
            8 => format!("{year:04}{month:02}{day:02}"),
            9 => format!("{day:02}-{name}-{year:04}"),
            10 => format!("{name} {day}, {year:04}"),
            11 => format!("{day}{name}{year:04}"),
            _ => format!("{month:02}-{day:02}-{year:04}"),
        }
    }

    fn time(&mut self) -> String {
        let (hour, minute, second) = (self.below(25), self.below(60), self.below(61));
        let fraction = match self.below(4) {
            0 => format!(".{}", self.digits(8)),
            1 => format!(".{}000", self.digits(6)),
            _ => String::new(),
        };
        match self.below(8) {
            0 => format!("{hour}:{minute:02}"),
            1 => format!("{hour:02}:{minute:02}:{second:02}{fraction} AM"),
            2 => format!("{}:{minute:02}:{second:02} PM", hour % 13),
            3 => format!("{hour:02}{minute:02}{second:02}"),
            4 => "00:00:00".to_owned(),
            5 => format!("{}:{minute:02} pm", hour % 13),
            _ => format!("{hour:02}:{minute:02}:{second:02}{fraction}"),
        }
    }

    fn offset(&mut self) -> String {
        match self.below(8) {
            0 => "Z".to_owned(),
            1 => format!("+{:02}", self.below(17)),
            2 => format!("-{:02}:{:02}", self.below(16), self.below(61)),
            3 => format!("+{:02}{:02}", self.below(15), self.below(60)),
            4 => " UTC".to_owned(),
            _ => String::new(),
        }
    }

    fn moment(&mut self) -> String {
        let mut text = self.day();
        if !self.one_in(5) {
            text = text + self.pick(&["T", " ", " "]) + &self.time();
            if self.one_in(3) {
                text += &self.offset();
            }
        }
        text += if self.one_in(25) { " BC" } else { "" };
        self.damaged(text, "0123456789-/:. TZAPM+")
    }

    fn uuid(&mut self) -> String {
        let mut text: String = (0..32).map(|_| self.pick(&['0', '1', 'a', 'F', 'c', '9'])).collect();
        if !self.one_in(3) {
            for at in [20, 16, 12, 8] {
                text.insert(at, '-');
            }
        }
        let text = if self.one_in(6) { format!("{{{text}}}") } else { text };
        self.damaged(text, "0aG-{} ")
    }

    fn network(&mut self) -> String {
        let text = if self.one_in(3) {
            let groups: Vec<_> = (0..8).map(|_| format!("{:x}", self.below(65_536))).collect();
            match self.below(4) {
                0 => groups.join(":"),
                1 => format!("{}::{}", groups[0], groups[1]),
                2 => format!("{}::", groups[..3].join(":")),
                _ => format!("::ffff:192.0.2.{}", self.below(300)),
            }
        } else {
            let octets: Vec<_> = (0..4).map(|_| self.pick(&[0, 1, 10, 128, 192, 255, 256]).to_string()).collect();
            octets.join(".")
        };
        let mask = match self.below(4) {
            0 => format!("/{}", self.below(34)),
            1 => format!("/{}", 8 * self.below(17)),
            _ => String::new(),
        };
        self.damaged(text + &mask, "0123456789abf.:/ ")
    }

    fn characters(&mut self, most: u64) -> String {
        let length = self.below(most + 1);
        (0..length)
            .map(|_| self.pick(&['a', 'b', 'Z', '0', ' ', 'é', '漢', '😀', '\t', '\\', '"', ',', '{', '\'']))
            .collect()
    }

    fn json(&mut self, depth: u64) -> String {
        match self.below(if depth > 3 { 6 } else { 9 }) {
            0 => self.pick(&["null", "true", "false"]).to_owned(),
            1 => self.number(8, 5, 30),
            2 => self.below(100_000).to_string(),
            3 => format!("-{}.{}e{}", self.below(100), self.below(1_000), self.below(40)),
            4 => format!("\"{}\"", self.characters(6).replace(['\\', '"', '\t'], "")),
            5 => {
                let text = self.pick(&[
                    "\\u00e9",
                    "\\ud83d\\ude00",
                    "\\ud83d",
                    "\\u0000",
                    "\\n",
                    "\\/",
                    "\\x",
                    "\\u12",
                    "a\\\\b",
                ]);
                format!("\"{text}\"")
            }
            6 => {
                let items: Vec<_> = (0..self.below(4)).map(|_| self.json(depth + 1)).collect();
                format!("[{}]", items.join(self.pick(&[",", " , ", ",\n"])))
            }
            _ => {
                let members: Vec<_> =
                    (0..self.below(4)).map(|i| format!("\"k{}\" : {}", i % 3, self.json(depth + 1))).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    fn array(&mut self, element: &str) -> String {
        let elements: Vec<_> = (0..self.below(5))
            .map(|_| match self.below(5) {
                0 => "NULL".to_owned(),
                1 => format!("\"{}\"", self.text(element).replace('\\', "\\\\").replace('"', "\\\"")),
                2 => format!(" {} ", self.text(element)),
                _ => self.text(element),
            })
            .collect();
        let text = match elements.len() {
            // Arrays of arrays, some of which are not alike.
            2.. if self.one_in(4) => format!("{{{{{}}},{{{}}}}}", elements.join(","), elements[1..].join(", ")),
            1.. if self.one_in(4) => format!("{{{{{0}}}, {{{0}}}}}", elements.join(",")),
            _ => format!("{{{}}}", elements.join(",")),
        };
        self.damaged(text, "{}\", \\1")
    }
}

//! Compound files, a small file system of sectors in which Excel 97–2003 keeps its workbooks. The bytes of a file come in, those of one of its
//! streams go out. Whatever its tables say, a chain has no more sectors than the file.

/// What a compound file begins with.
const MAGIC: [u8; 8] = *b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";

/// Numbers from here on are marks instead of sectors.
const MARKS: u32 = 0xffff_fffa;

/// Bytes before the first sector where sectors have no more; otherwise one sector.
const HEADER: usize = 512;

/// Bytes of a sector of short streams.
const SHORT_SECTOR: usize = 64;

/// Bytes of an entry of the directory.
const ENTRY: usize = 128;

/// Why a file cannot be read, in words.
type Damage = &'static str;

/// An open file.
#[derive(Debug)]
pub(super) struct Compound<'f> {
    sectors: Sectors<'f>,
    /// The sector behind each; that of each short one.
    next: Vec<u32>,
    next_short: Vec<u32>,
    directory: Vec<u8>,
    /// The stream that all short ones lie in.
    short: Vec<u8>,
    /// Streams with fewer bytes are short.
    cutoff: u64,
}

#[derive(Debug, Clone, Copy)]
struct Sectors<'f> {
    bytes: &'f [u8],
    size: usize,
}

impl<'f> Sectors<'f> {
    /// The last may be cut off.
    fn get(self, number: u32) -> Option<&'f [u8]> {
        let start = (number as usize).checked_mul(self.size)?;
        let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
        Some(&rest[..self.size.min(rest.len())])
    }

    fn count(self) -> usize {
        self.bytes.len().div_ceil(self.size)
    }

    /// The sectors of a chain one behind the other, up to so many bytes.
    fn chain(self, first: u32, next: &[u32], most: u64) -> Result<Vec<u8>, Damage> {
        let (mut bytes, mut number) = (Vec::new(), first);
        for _ in 0..self.count() {
            if number >= MARKS || bytes.len() as u64 >= most {
                break;
            }
            bytes.extend_from_slice(self.get(number).ok_or("a sector lies behind its end")?);
            number = *next.get(number as usize).ok_or("a sector is in none of its tables")?;
        }
        if number < MARKS && (bytes.len() as u64) < most {
            return Err("its sectors follow each other in a circle");
        }
        bytes.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(bytes)
    }
}

impl<'f> Compound<'f> {
    /// Reads the tables and the directory.
    pub(super) fn open(file: &'f [u8]) -> Result<Self, Damage> {
        let header = file.get(..HEADER).filter(|header| header.starts_with(&MAGIC));
        let header = header.ok_or("it does not begin as a compound file")?;
        let size = match number16(header, 30) {
            9 => 512,
            12 => 4_096,
            _ => return Err("its sectors have an unknown size"),
        };
        let sectors = Sectors { bytes: file.get(size..).unwrap_or_default(), size };
        let next = numbers(&tables(sectors, header)?);
        let directory = sectors.chain(number32(header, 48), &next, u64::MAX)?;
        let root = directory.first_chunk::<ENTRY>().ok_or("it has no directory")?;
        let short = sectors.chain(number32(root, 116), &next, u64::from(number32(root, 120)))?;
        let next_short = numbers(&sectors.chain(number32(header, 60), &next, u64::MAX)?);
        Ok(Self { sectors, next, next_short, directory, short, cutoff: number32(header, 56).into() })
    }

    /// The bytes of the stream of that name; fewer than it says where the file ends before.
    pub(super) fn stream(&self, name: &str) -> Result<Option<Vec<u8>>, Damage> {
        let is_it = |entry: &&[u8; ENTRY]| entry[66] == 2 && entry_name(&entry[..]).eq_ignore_ascii_case(name);
        let Some(entry) = self.directory.as_chunks().0.iter().find(is_it) else { return Ok(None) };
        let (first, bytes) = (number32(entry, 116), u64::from(number32(entry, 120)));
        if bytes < self.cutoff {
            let short = Sectors { bytes: &self.short, size: SHORT_SECTOR };
            return short.chain(first, &self.next_short, bytes).map(Some);
        }
        self.sectors.chain(first, &self.next, bytes).map(Some)
    }
}

/// The sectors that say which sector follows which. Where they are stands in the header, and in a chain of its own where there are many.
fn tables(sectors: Sectors<'_>, header: &[u8]) -> Result<Vec<u8>, Damage> {
    let mut lists = vec![&header[76..]];
    let mut further = number32(header, 68);
    while further < MARKS {
        let whole =
            sectors.get(further).filter(|whole| whole.len() == sectors.size).ok_or("a sector lies behind its end")?;
        let (these, last) = whole.split_at(sectors.size - 4);
        lists.push(these);
        further = number32(last, 0);
        if lists.len() > sectors.count() {
            return Err("its sectors follow each other in a circle");
        }
    }
    let mut tables = Vec::new();
    for number in lists.into_iter().flat_map(numbers).filter(|number| *number < MARKS) {
        tables.extend_from_slice(sectors.get(number).ok_or("a sector lies behind its end")?);
        // A table of each sector's would be larger than the file.
        if tables.len() > sectors.bytes.len() {
            return Err("its sectors follow each other in a circle");
        }
    }
    Ok(tables)
}

fn entry_name(entry: &[u8]) -> String {
    let units = entry[..64].as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units.take_while(|unit| *unit != 0)).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

fn numbers(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect()
}

fn number16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

//! Text in any encoding comes in, UTF-8 goes out. UTF-8 itself passes through untouched: whether it is valid is asked value by
//! value. What another encoding cannot mean becomes the byte 0xFF, which is no UTF-8 either, so that it is found there too.

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::FormatError;
use super::blocks::{BLOCK, Blocks, Peeked};
use super::impostor::{Impostor, LOOKED_AT};

/// No encoding has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("encoding `{0}` is not known; the names are those of the web, such as utf-8, windows-1252, utf-16le")]
pub struct UnknownEncoding(String);

/// The encoding of that name; UTF-8 when there is none.
pub fn encoding(label: Option<&str>) -> Result<&'static Encoding, UnknownEncoding> {
    let Some(label) = label else { return Ok(UTF_8) };
    Encoding::for_label(label.as_bytes()).ok_or_else(|| UnknownEncoding(label.to_owned()))
}

/// The text in UTF-8 and without its byte order mark, which outranks the declared encoding. A page or an archive in the text's
/// place is an error.
pub fn text<'b>(blocks: impl Blocks + 'b, declared: &'static Encoding) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    text_but(blocks, declared, None)
}

/// The same of JSON, which is no impostor then.
pub fn json_text<'b>(
    blocks: impl Blocks + 'b,
    declared: &'static Encoding,
) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    text_but(blocks, declared, Some(Impostor::Json))
}

fn text_but<'b>(
    blocks: impl Blocks + 'b,
    declared: &'static Encoding,
    welcome: Option<Impostor>,
) -> Result<Box<dyn Blocks + 'b>, FormatError> {
    let refuse = |head: &[u8]| match Impostor::of(head) {
        Some(what) if Some(what) != welcome => Err(FormatError::Impostor(what)),
        _ => Ok(()),
    };
    let peeked = Peeked::new(blocks, LOOKED_AT)?;
    let (encoding, mark) = Encoding::for_bom(peeked.head()).unwrap_or((declared, 0));
    let peeked = peeked.skip(mark);
    if mark == 0
        && !is_utf16(encoding)
        && let Some(encoding) = unmarked_utf16(peeked.head())
    {
        return Err(FormatError::Utf16 { encoding });
    }
    if encoding == UTF_8 {
        return refuse(peeked.head()).map(|()| Box::new(peeked) as Box<dyn Blocks>);
    }
    let decoded = Peeked::new(Decoded::new(peeked, encoding), LOOKED_AT)?;
    refuse(decoded.head()).map(|()| Box::new(decoded) as Box<dyn Blocks>)
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

/// The name of the UTF-16 that a text is in which does not say so: its every other byte is NUL, which text otherwise never has.
fn unmarked_utf16(head: &[u8]) -> Option<&'static str> {
    let (pairs, _) = head.as_chunks::<2>();
    let nuls = |at: usize| pairs.iter().filter(|pair| pair[at] == 0).count();
    let (high_first, low_first) = (nuls(0), nuls(1));
    let is_most =
        |nuls: usize, others: usize| nuls * 4 > pairs.len() * 3 && others * 4 < pairs.len() && pairs.len() > 1;
    if is_most(low_first, high_first) {
        Some("utf-16le")
    } else if is_most(high_first, low_first) {
        Some("utf-16be")
    } else {
        None
    }
}

/// Text that is being decoded.
struct Decoded<B> {
    blocks: B,
    decoder: Decoder,
    /// Place in the current block of what comes in.
    at: usize,
    text: Vec<u8>,
    filled: usize,
    progress: Progress,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    More,
    LastBlock,
    Done,
}

impl<B: Blocks> Decoded<B> {
    fn new(blocks: B, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_without_bom_handling();
        Self { blocks, decoder, at: 0, text: vec![0; BLOCK], filled: 0, progress: Progress::More }
    }
}

impl<B: Blocks> Blocks for Decoded<B> {
    fn advance(&mut self) -> Result<(), FormatError> {
        self.filled = 0;
        while self.filled == 0 && self.progress != Progress::Done {
            if self.progress == Progress::More && self.at == self.blocks.block().len() {
                self.blocks.advance()?;
                self.at = 0;
                if self.blocks.block().is_empty() {
                    self.progress = Progress::LastBlock;
                }
            }
            let last = self.progress == Progress::LastBlock;
            loop {
                // One byte of room is left for the mark of what cannot be decoded.
                let room = self.text.len() - 1;
                let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                    &self.blocks.block()[self.at..],
                    &mut self.text[self.filled..room],
                    last,
                );
                self.at += read;
                self.filled += written;
                match result {
                    DecoderResult::Malformed(..) => {
                        self.text[self.filled] = 0xff;
                        self.filled += 1;
                    }
                    DecoderResult::InputEmpty => {
                        if last {
                            self.progress = Progress::Done;
                        }
                        break;
                    }
                    DecoderResult::OutputFull => break,
                }
                if self.text.len() - self.filled < 16 {
                    break;
                }
            }
        }
        Ok(())
    }

    fn block(&self) -> &[u8] {
        &self.text[..self.filled]
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::{GB18030, SHIFT_JIS, WINDOWS_1252};
    use proptest::prelude::*;

    use super::super::blocks::tests::{Pieces, all};
    use super::*;

    fn decode(bytes: &[u8], cuts: &[usize], declared: &'static Encoding) -> Vec<u8> {
        all(text(Pieces::cut(bytes, cuts), declared).unwrap()).unwrap()
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn old_encodings_are_decoded_where_they_are_declared() {
        assert_eq!(decode(b"caf\xe9,\x93quoted\x94", &[4], WINDOWS_1252), "café,“quoted”".as_bytes());
        assert_eq!(decode(b"caf\xe9", &[4], UTF_8), b"caf\xe9");
    }

    #[test]
    fn a_byte_order_mark_says_what_the_text_is_and_goes() {
        assert_eq!(decode("\u{feff}id,é".as_bytes(), &[1, 2], UTF_8), "id,é".as_bytes());
        assert_eq!(decode("\u{feff}id,é".as_bytes(), &[1, 2], WINDOWS_1252), "id,é".as_bytes());
        assert_eq!(decode(&utf16("\u{feff}id,é"), &[1, 2, 5], UTF_8), "id,é".as_bytes());
    }

    #[test]
    fn what_an_encoding_cannot_mean_is_no_utf8_afterwards() {
        let mut bytes = utf16("a,");
        bytes.extend([0x00, 0xdc]);
        bytes.extend(utf16("\n"));
        assert_eq!(decode(&bytes, &[], UTF_16LE), b"a,\xff\n");
        bytes.push(b'x');
        assert_eq!(decode(&bytes, &[], UTF_16LE), b"a,\xff\n\xff");
    }

    #[test]
    fn a_page_is_found_in_any_encoding() {
        for bytes in [b"<html>".to_vec(), utf16("\u{feff}<!doctype HTML>"), "\u{feff} <html>".into()] {
            let result = text(Pieces::cut(&bytes, &[]), UTF_8).err();
            assert!(matches!(result, Some(FormatError::Impostor(Impostor::Html))), "{result:?}");
        }
    }

    #[test]
    fn utf16_that_does_not_say_so_is_answered_with_its_name() {
        let swapped: Vec<u8> = "id,é\n1,x\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, name) in [(utf16("id,é\n1,x\n"), "utf-16le"), (swapped, "utf-16be")] {
            for declared in [UTF_8, WINDOWS_1252] {
                let error = text(Pieces::cut(&bytes, &[3]), declared).err();
                assert!(matches!(error, Some(FormatError::Utf16 { encoding }) if encoding == name), "{error:?}");
            }
            let named = encoding(Some(name)).unwrap();
            assert_eq!(decode(&bytes, &[3], named), "id,é\n1,x\n".as_bytes());
        }
        assert_eq!(decode(b"a\0,b\n", &[], UTF_8), b"a\0,b\n");
    }

    #[test]
    fn an_unknown_encoding_is_named() {
        assert!(encoding(Some("Latin1")).is_ok());
        assert!(encoding(Some("cp1252")).is_ok());
        assert_eq!(encoding(Some("ebcdic")), Err(UnknownEncoding("ebcdic".into())));
    }

    proptest! {
        #[test]
        fn any_text_survives_at_any_border(
            given in "[a-zé😀\n]{0,300}", cuts in proptest::collection::vec(0_usize..1_000, 0..12),
        ) {
            prop_assert_eq!(decode(&utf16(&given), &cuts, UTF_16LE), given.as_bytes());
            prop_assert_eq!(decode(given.as_bytes(), &cuts, UTF_8), given.as_bytes());
        }

        #[test]
        fn characters_of_several_bytes_survive_at_any_border_in_old_encodings_too(
            given in "[a-z東京都区\n]{0,300}", cuts in proptest::collection::vec(0_usize..1_000, 0..12),
        ) {
            for encoding in [SHIFT_JIS, GB18030] {
                let (bytes, ..) = encoding.encode(&given);
                prop_assert_eq!(decode(&bytes, &cuts, encoding), given.as_bytes());
            }
        }
    }
}

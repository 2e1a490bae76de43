//! What text that is not UTF-8 most likely is: the records in which that showed come in, the name to declare goes out. It is only ever
//! suggested: an encoding that was guessed would sooner or later be guessed wrong.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

/// Bytes that are looked at; more do not make a guess better.
const ENOUGH: usize = 64 << 10;

/// Texts that were not UTF-8.
#[derive(Default)]
pub(super) struct Charset {
    detector: Option<Box<EncodingDetector>>,
    fed: usize,
}

impl Charset {
    /// Looks at a text that is not UTF-8, or stands beside one.
    pub(super) fn look<'t>(&mut self, texts: impl IntoIterator<Item = &'t [u8]>) {
        if self.fed >= ENOUGH {
            return;
        }
        let detector = self.detector.get_or_insert_with(|| Box::new(EncodingDetector::new(Iso2022JpDetection::Deny)));
        for text in texts {
            detector.feed(text, false);
            // Words of neighbouring fields are words of their own.
            detector.feed(b" ", false);
            self.fed += text.len();
        }
    }

    /// The encoding that fits best, by the name that `encoding:` takes; `None` when all was UTF-8.
    pub(super) fn guess(mut self) -> Option<&'static str> {
        let detector = self.detector.as_mut()?;
        detector.feed(b"", true);
        Some(name(detector.guess(None, Utf8Detection::Deny)))
    }
}

/// As people write it.
fn name(encoding: &'static encoding_rs::Encoding) -> &'static str {
    if encoding == encoding_rs::WINDOWS_1252 { "windows-1252" } else { encoding.name() }
}

/// The encoding that fits these texts best, where one of them is not UTF-8.
pub(super) fn guess(texts: &[&[u8]]) -> Option<&'static str> {
    let mut charset = Charset::default();
    if texts.iter().any(|text| std::str::from_utf8(text).is_err()) {
        charset.look(texts.iter().copied());
    }
    charset.guess()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoding_is_suggested_by_the_name_that_a_manifest_takes() {
        let latin: [&[u8]; 2] = [b"Caf\xe9 de la R\xe9publique", b"\x93quoted\x94"];
        assert_eq!(guess(&latin), Some("windows-1252"));
        let (cyrillic, ..) = encoding_rs::WINDOWS_1251.encode("Улица Пушкина, дом Колотушкина");
        let name = guess(&[cyrillic.as_ref()]).unwrap();
        assert_eq!(crate::format::encoding(Some(name)), Ok(encoding_rs::WINDOWS_1251));
        assert_eq!(guess(&[b"plain", "café".as_bytes()]), None);
        assert_eq!(Charset::default().guess(), None);
    }
}

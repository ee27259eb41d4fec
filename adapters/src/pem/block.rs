//! Where do the blocks of a PEM text begin and end? (RFC 7468)

use super::{BYTE_ORDER_MARK, Damage, PemError};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// What is between two markers.
pub(super) struct PemBlock {
    pub(super) label: String,
    /// The line of each marker; the first line of the file is 1.
    pub(super) first_line: usize,
    pub(super) last_line: usize,
    /// By a header, like keys in OpenSSL's traditional form.
    pub(super) is_encrypted: bool,
    base64: String,
}

/// Splits a text into its blocks.
pub(super) fn parse(file: &[u8]) -> Result<Vec<PemBlock>, PemError> {
    check_is_text(file)?;
    // Anything that is not UTF-8 is either around the blocks, or damage.
    let text = String::from_utf8_lossy(file);
    let mut blocks = Vec::new();
    let mut open: Option<PemBlock> = None;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        // Files that were concatenated may each have begun with the mark.
        let line = line.trim_start_matches(BYTE_ORDER_MARK).trim_end();
        match (PemLine::of(line), open.take()) {
            (PemLine::Begin(label), None) => open = Some(PemBlock::new(label, number)),
            (PemLine::Begin(_), Some(block)) => return Err(Damage::Nested { begun: block.first_line }.at(number)),
            (PemLine::End(label), Some(block)) if label == block.label => {
                blocks.push(PemBlock { last_line: number, ..block });
            }
            (PemLine::End(_), Some(block)) => return Err(Damage::OtherEnd { begun: block.first_line }.at(number)),
            (PemLine::End(_), None) => return Err(Damage::Unbegun.at(number)),
            (PemLine::BrokenMarker, _) => return Err(Damage::MarkerNotAlone.at(number)),
            (PemLine::Other, Some(mut block)) => {
                block.take(line).map_err(|damage| damage.at(number))?;
                open = Some(block);
            }
            (PemLine::Other, None) => {}
        }
    }
    match open {
        Some(block) => Err(Damage::Unended.at(block.first_line)),
        None => Ok(blocks),
    }
}

impl PemBlock {
    fn new(label: &str, line: usize) -> Self {
        Self { label: label.to_owned(), first_line: line, last_line: line, is_encrypted: false, base64: String::new() }
    }

    fn take(&mut self, line: &str) -> Result<(), Damage> {
        if self.base64.is_empty() && (line.is_empty() || line.contains(':')) {
            // Headers, and the empty line after them.
            self.is_encrypted |= line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED");
            return Ok(());
        }
        if line.is_empty() {
            return Err(Damage::EmptyLine);
        }
        if !line.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ' | b'\t')) {
            return Err(Damage::NotBase64);
        }
        self.base64.push_str(line);
        self.base64.push('\n');
        Ok(())
    }

    /// Returns only the block, under this label and without headers.
    pub(super) fn pem(&self, label: &str) -> String {
        pem(label, &self.base64)
    }

    pub(super) fn not_whole(&self) -> PemError {
        Damage::NotWhole { last: self.last_line }.at(self.first_line)
    }
}

/// Returns a block in a form that every reader understands.
pub(super) fn pem(label: &str, base64: &str) -> String {
    format!("{BEGIN}{label}{DASHES}\n{}\n{END}{label}{DASHES}\n", base64.trim_end())
}

/// What kind of line it is, by its form alone.
enum PemLine<'a> {
    Begin(&'a str),
    End(&'a str),
    /// It was meant to be one or two of these.
    BrokenMarker,
    Other,
}

impl<'a> PemLine<'a> {
    fn of(line: &'a str) -> Self {
        if !line.contains(BEGIN) && !line.contains(END) {
            return Self::Other;
        }
        let label = |begin| {
            let label: &str = line.strip_prefix(begin)?.strip_suffix(DASHES)?;
            (!label.contains(DASHES) && !label.ends_with('-')).then_some(label)
        };
        match (label(BEGIN), label(END)) {
            (Some(label), _) => Self::Begin(label),
            (_, Some(label)) => Self::End(label),
            // Not a sentence that mentions them.
            _ if line.trim_start().starts_with('-') || line.ends_with('-') => Self::BrokenMarker,
            _ => Self::Other,
        }
    }
}

fn check_is_text(file: &[u8]) -> Result<(), PemError> {
    match file {
        [] => Err(PemError::Empty),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'-', ..] | [b'-', 0, ..] => Err(PemError::Utf16),
        _ if file.contains(&0) => Err(PemError::Binary),
        // DER begins with a sequence, which no text containing a block does: `0` stands for itself there.
        [b'0', second, ..] if !second.is_ascii() => Err(PemError::Binary),
        _ => Ok(()),
    }
}

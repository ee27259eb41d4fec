//! Is a secret only read from a line that assigns one, and never shown?

use adapters::django::DjangoSecret;

const NAME: &str = "DJANGO_SECRET_KEY";

/// What secrets contain in the seeds.
const MARK: &str = "geheim";

/// Takes the bytes for the text of a secret file.
///
/// # Panics
/// A secret is read that does not stand between quotes behind the last assignment, an empty one is accepted, or an error
/// shows one.
pub fn secret_files(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match DjangoSecret::parse(&text) {
        Ok(secret) => {
            let signed = secret.encode_session("{}");
            let is_it = |value: &str| DjangoSecret::new(value).encode_session("{}") == signed;
            assert!(candidates(&text).into_iter().any(is_it), "a secret that no line assigns is read from {text:?}");
            assert!(!is_it(""), "an empty secret is accepted: {text:?}");
        }
        Err(error) => assert!(!error.to_string().contains(MARK), "{error}"),
    }
}

/// Everything between the first quote behind the name and a later one, in the last line that names the secret before an
/// equals sign and is no comment (spec: auth.md#secret-file).
fn candidates(text: &str) -> Vec<&str> {
    // Not as a part of a longer name.
    let is_name = |line: &str, place: usize| {
        let longer = line[..place].chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_');
        !longer && !line[..place].contains('#') && line[place + NAME.len()..].trim_start().starts_with('=')
    };
    let assigns = |line: &&str| line.match_indices(NAME).any(|(place, _)| is_name(line, place));
    let Some(line) = text.lines().rfind(assigns) else { return Vec::new() };
    let behind = line.match_indices(NAME).map(|(place, _)| &line[place + NAME.len()..]);
    behind.flat_map(values).collect()
}

fn values(behind: &str) -> impl Iterator<Item = &str> {
    let quotes = behind.match_indices(['\'', '"']).map(|(place, _)| place);
    let first = behind.find(['\'', '"']).unwrap_or_default() + 1;
    quotes.skip(1).map(move |last| &behind[first..last])
}

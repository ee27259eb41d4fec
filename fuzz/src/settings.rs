//! Are arbitrary variables either settings or refused, without showing a password?

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// What passwords contain here.
const MARK: &str = "geheim";

/// Takes each line for a variable `<name>=<value>`.
///
/// # Panics
/// What is shown of the settings, or of what is wrong with them, contains a password.
pub fn settings(bytes: &[u8]) {
    let mut variables: BTreeMap<&[u8], OsString> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(equals) = line.iter().position(|byte| *byte == b'=') {
            variables.insert(&line[..equals], OsStr::from_bytes(&line[equals + 1..]).to_owned());
        }
    }
    let shown = autoupdate::testing::settings(|name| variables.get(name.as_bytes()).cloned());
    let shown = shown.unwrap_or_else(|refused| refused);
    if variables.iter().all(|(name, value)| is_secret_only(name, &value.to_string_lossy())) {
        assert!(!shown.contains(MARK), "{shown}");
    }
}

/// Whether the mark, if it is there, is where a password is.
fn is_secret_only(name: &[u8], value: &str) -> bool {
    if !value.contains(MARK) {
        return true;
    }
    match name {
        b"REDIS_SENTINEL_PASSWORD" => true,
        b"REDIS_URL" | b"REDIS_WRITE_URL" => {
            let (scheme, rest) = value.split_once("://").unwrap_or_default();
            let (login, place) = rest.rsplit_once('@').unwrap_or_default();
            let is_url =
                scheme != "unix" && !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphabetic());
            is_url && login.contains(MARK) && !place.contains(MARK) && !scheme.contains(MARK)
                || scheme == "unix" && rest.split_once('?').is_some_and(|(path, _)| !path.contains(MARK))
        }
        _ => false,
    }
}

//! Which texts are accepted as PEM, and how are the others rejected?

use super::*;

/// Two certificates with few lines, and a key.
fn texts() -> (String, String, String) {
    let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (one, two) = (made(), made());
    (one.cert.pem(), two.cert.pem(), one.signing_key.serialize_pem())
}

#[track_caller]
fn check(name: &str, file: impl AsRef<[u8]>, expected: Result<usize, PemError>) {
    assert_eq!(certificates(file.as_ref()).map(|certificates| certificates.len()), expected, "{name}");
}

#[track_caller]
fn check_damaged(name: &str, file: &str, line: usize, damage: Damage) {
    check(name, file, Err(damage.at(line)));
}

/// Removes a line, counted from 0.
fn without(text: &str, line: usize) -> String {
    text.lines().enumerate().filter(|(index, _)| *index != line).map(|(_, line)| format!("{line}\n")).collect()
}

/// Changes a line, counted from 0.
fn with(text: &str, line: usize, change: impl Fn(&str) -> String) -> String {
    let lines = text.lines().enumerate();
    lines.map(|(index, text)| if index == line { change(text) + "\n" } else { format!("{text}\n") }).collect()
}

#[test]
fn complete_blocks_are_read_whatever_surrounds_them() {
    let (one, two, key) = texts();
    check("two", one.clone() + &two, Ok(2));
    check("no line end at the end", one.clone() + two.trim_end(), Ok(2));
    check("Windows", (one.clone() + &two).replace('\n', "\r\n"), Ok(2));
    check("spaces at the ends of lines", (one.clone() + &two).replace('\n', " \t\n"), Ok(2));
    check("byte order marks", format!("\u{feff}{one}\u{feff}{two}"), Ok(2));
    check("text", format!("Bag Attributes\n  friendlyName: x\n{one}\nsubject=CN = y\n\n{two}\n-- \nend"), Ok(2));
    check("text that is not UTF-8", [b"M\xfcller\n", one.as_bytes()].concat(), Ok(1));
    check("a sentence", format!("copy all from -----BEGIN CERTIFICATE on\n{one}"), Ok(1));
    check("with its key", format!("{one}{key}{two}"), Ok(2));
    check("an older label", one.replace("CERTIFICATE", "X509 CERTIFICATE"), Ok(1));
    check(
        "all in one line",
        with(&one.replace('\n', ""), 0, |line| {
            line.replace("CERTIFICATE-----", "CERTIFICATE-----\n").replacen("-----END", "\n-----END", 1)
        }),
        Ok(1),
    );
    check("an empty line before the first", with(&one, 0, |line| format!("{line}\n")), Ok(1));
}

#[test]
fn damage_is_reported_with_its_line() {
    let (one, two, _) = texts();
    let lines = one.lines().count();
    let (first, last) = (lines + 1, 2 * lines);
    let second = |damaged: String| one.clone() + &damaged;

    check_damaged("joined", &(one.trim_end().to_owned() + &two), lines, Damage::MarkerNotAlone);
    check_damaged("joined to a text", &format!("text{one}"), 1, Damage::MarkerNotAlone);
    check_damaged("indented", &second(with(&two, 0, |line| format!("  {line}"))), first, Damage::MarkerNotAlone);
    check_damaged(
        "four dashes",
        &second(with(&two, 0, |line| line[..line.len() - 1].to_owned())),
        first,
        Damage::MarkerNotAlone,
    );
    check_damaged("six dashes", &second(with(&two, 0, |line| format!("-{line}"))), first, Damage::MarkerNotAlone);
    check_damaged("line ends of old", &one.replace('\n', "\r"), 1, Damage::MarkerNotAlone);
    check_damaged("no first line", &second(without(&two, 0)), last - 1, Damage::Unbegun);
    check_damaged("no last line", &second(without(&two, lines - 1)), first, Damage::Unended);
    check_damaged("no last line, another", &(without(&one, lines - 1) + &two), lines, Damage::Nested { begun: 1 });
    let other_end = second(two.replace("END CERTIFICATE", "END PRIVATE KEY"));
    check_damaged("another end", &other_end, last, Damage::OtherEnd { begun: first });
    check_damaged("an empty line", &second(with(&two, 2, |line| format!("{line}\n"))), first + 3, Damage::EmptyLine);
    check_damaged(
        "an empty line at the end",
        &second(with(&two, lines - 2, |line| format!("{line}\n"))),
        last,
        Damage::EmptyLine,
    );
    check_damaged(
        "another character",
        &second(with(&two, 3, |line| line.replacen(&line[9..10], "!", 1))),
        first + 3,
        Damage::NotBase64,
    );
    check_damaged("no base64 in between", &second(with(&two, 3, |_| "…".to_owned())), first + 3, Damage::NotBase64);
    check_damaged(
        "a shortened line",
        &second(with(&two, 3, |line| line[..61].to_owned())),
        first,
        Damage::NotWhole { last },
    );
    for line in 1..lines - 1 {
        let Err(PemError::Damaged { line: reported, .. }) = certificates(second(without(&two, line)).as_bytes()) else {
            panic!("a lost line {line} is not noticed");
        };
        assert_eq!(reported, first, "lost line {line}");
    }
    let block = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    check_damaged("another content", &second(block.to_owned()), first, Damage::NotCertificate { last: first + 2 });
    let (der, other) = (certificates(one.as_bytes()).expect("one"), certificates(two.as_bytes()).expect("one"));
    let joined = block::pem(CERTIFICATE, &STANDARD.encode([&*der[0].der, &*other[0].der].concat()));
    check_damaged("two in a block", &joined, 1, Damage::NotCertificate { last: 3 });
}

#[test]
fn other_files_are_told_apart() {
    let (one, _, key) = texts();
    let der = certificates(one.as_bytes()).expect("one").remove(0).der;
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        [mark, &one.encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    };
    check("empty", "", Err(PemError::Empty));
    check("UTF-16 of Windows", utf16(&[0xff, 0xfe], u16::to_le_bytes), Err(PemError::Utf16));
    check("UTF-16", utf16(&[0xfe, 0xff], u16::to_be_bytes), Err(PemError::Utf16));
    check("UTF-16 without a mark", utf16(&[], u16::to_be_bytes), Err(PemError::Utf16));
    check("DER", &*der, Err(PemError::Binary));
    check("DER without a zero", [0x30, 0x82, 1, 1], Err(PemError::Binary));
    check("text", "0 certificates\n", Err(PemError::NoCertificate(Found::default())));
    check("a key", &key, Err(PemError::NoCertificate(Found(vec!["PRIVATE KEY".to_owned()]))));
    let trusted = one.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    check("trusted", format!("{one}{trusted}"), Err(PemError::TrustedCertificate { line: one.lines().count() + 1 }));
}

#[track_caller]
fn check_key(name: &str, file: &str, expected: Result<(), PemError>) {
    assert_eq!(private_key(file.as_bytes()).map(drop), expected, "{name}");
}

#[test]
fn the_first_key_is_read_unless_it_is_encrypted() {
    let (one, _, key) = texts();
    check_key("alone", &key, Ok(()));
    check_key("Windows", &format!("\u{feff}{}", key.replace('\n', "\r\n")), Ok(()));
    check_key("after a certificate", &(one.clone() + &key), Ok(()));
    check_key(
        "after parameters",
        &format!("-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n{key}"),
        Ok(()),
    );
    for label in KEYS {
        check_key(label, &key.replace("PRIVATE KEY", label), Ok(()));
    }
    let line = one.lines().count() + 1;
    let encrypted = one.clone() + &key.replace("PRIVATE KEY", ENCRYPTED_KEY);
    check_key("PKCS #8", &encrypted, Err(PemError::EncryptedKey { line }));
    let headers = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n";
    check_key("traditional", headers, Err(PemError::EncryptedKey { line: 1 }));
    check_key("certificate", &one, Err(PemError::NoKey(Found(vec![CERTIFICATE.to_owned()]))));
    let other = key.replace("PRIVATE KEY", "OPENSSH PRIVATE KEY");
    check_key("OpenSSH", &other, Err(PemError::NoKey(Found(vec!["OPENSSH PRIVATE KEY".to_owned()]))));
    check_key(
        "shortened",
        &with(&key, 1, |line| line[..61].to_owned()),
        Err(Damage::NotWhole { last: key.lines().count() }.at(1)),
    );
}

#[test]
fn a_text_for_others_holds_the_same_certificates() {
    let (one, two, _) = texts();
    let read = certificates(format!("\u{feff}{one}text\n{two}").as_bytes()).expect("two");
    let again = CertificateDer::pem_slice_iter(text(&read).as_bytes()).collect::<Result<Vec<_>, _>>().expect("PEM");
    assert_eq!(again, read.into_iter().map(|certificate| certificate.der).collect::<Vec<_>>());
}

/// Messages are read by people, and logged.
#[test]
fn no_message_shows_what_stands_in_the_file() {
    let (_, _, key) = texts();
    let lines = key.lines().count();
    for damaged in (0..lines).flat_map(|line| [without(&key, line), with(&key, line, |line| format!("{line}!"))]) {
        let Err(error) = private_key(damaged.as_bytes()) else { continue };
        for part in key.lines().filter(|line| !line.contains("-----")).flat_map(|line| line.get(..16)) {
            assert!(!error.to_string().contains(part), "{error}");
        }
    }
}

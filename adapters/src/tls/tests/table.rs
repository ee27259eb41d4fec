//! Which contents of the two files are accepted, and why are others refused?

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::PKCS_RSA_SHA256;
use x509_parser::der_parser::parse_der;

use super::*;
use crate::tls::doubts::lasting;
use crate::tls::{CertificateError, Checked};

/// What happens with a pair of files.
enum Verdict {
    /// This many certificates are sent, and every client that trusts the root accepts them.
    Served(usize),
    /// This many certificates are sent, but clients may reject them, and a warning contains this text.
    Doubted(usize, &'static str),
    /// The error contains these texts, and the previous certificate stays in use.
    Refused(&'static [&'static str]),
}

use Verdict::{Doubted, Refused, Served};

struct Table {
    root: Authority,
    failures: Vec<String>,
}

impl Table {
    async fn check(&mut self, name: &str, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>, expected: Verdict) {
        let files: [(&str, &[u8]); 2] = [("cert.pem", certificate.as_ref()), ("key.pem", key.as_ref())];
        let directory = tempfile::tempdir().expect("a directory");
        write(directory.path(), &files);
        let started = TlsServer::new(Some(directory.path().to_owned())).map(|(server, _)| server);
        self.compare(&format!("{name}, at the start"), started.as_ref(), &expected).await;

        // The same for a certificate that replaces another one.
        let old = rcgen::generate_simple_self_signed([HOST.to_owned()]).expect("a certificate");
        let old_files = [old.cert.pem(), old.signing_key.serialize_pem()];
        write(directory.path(), &[("cert.pem", old_files[0].as_bytes()), ("key.pem", old_files[1].as_bytes())]);
        let (server, watch) = TlsServer::new(Some(directory.path().to_owned())).expect("a certificate");
        write(directory.path(), &files);
        let renewed = match watch.expect("files to watch").check() {
            Checked::Replaced { .. } => Ok(&server),
            Checked::Broken(error) => {
                let (chain, _) = served(&server, &self.root).await;
                if chain != [old.cert.der().clone()] {
                    self.failures.push(format!("{name}: the old certificate is not served on"));
                }
                Err(error)
            }
            Checked::Unchanged => panic!("{name}: not noticed"),
        };
        self.compare(&format!("{name}, at the renewal"), renewed.as_ref().copied(), &expected).await;
    }

    async fn compare(&mut self, name: &str, found: Result<&TlsServer, &CertificateError>, expected: &Verdict) {
        let failure = match (found, expected) {
            (Err(error), Refused(parts)) => {
                let error = error.to_string();
                parts.iter().find(|part| !error.contains(**part)).map(|part| format!("{part:?} is missing in: {error}"))
            }
            (Ok(server), Served(count) | Doubted(count, _)) => {
                let (chain, is_taken) = served(server, &self.root).await;
                let doubts: Vec<String> = lasting(&chain, None).iter().map(ToString::to_string).collect();
                let is_as_expected = match expected {
                    Doubted(_, text) => doubts.len() == 1 && doubts[0].contains(text),
                    _ => is_taken && doubts.is_empty(),
                };
                (chain.len() != *count || !is_as_expected)
                    .then(|| format!("{} served, taken: {is_taken}, doubts: {doubts:?}", chain.len()))
            }
            (Ok(_), Refused(_)) => Some("served".to_owned()),
            (Err(error), _) => Some(format!("refused: {error}")),
        };
        self.failures.extend(failure.map(|failure| format!("{name}: {failure}")));
    }
}

/// A key in the format named after its algorithm, which PKCS #8 wraps.
fn unwrapped(key: &KeyPair, label: &str) -> String {
    let whole = key.serialize_der();
    let (_, pkcs8) = parse_der(&whole).expect("DER");
    let inner = pkcs8.as_sequence().expect("a sequence")[2].as_slice().expect("bytes");
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(inner))
}

fn without_line(pem: &str, lost: usize) -> String {
    pem.lines().enumerate().filter(|(index, _)| *index != lost).map(|(_, line)| format!("{line}\n")).collect()
}

/// (spec: http.md#certificates)
#[tokio::test]
async fn what_cannot_be_served_whole_is_refused_and_the_old_certificate_is_kept() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Intermediate");
    let own_key = key();
    let (leaf, intermediate) = (middle.sign(&host_params(), &own_key).pem(), middle.pem());
    let (key, other_key) = (own_key.serialize_pem(), super::key().serialize_pem());
    let chain = leaf.clone() + &intermediate;
    // A new key with the same name.
    let namesake = root.intermediate("Intermediate").pem();
    let rsa_key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
    let rsa_chain = middle.sign(&host_params(), &rsa_key).pem() + &intermediate;
    let nameless = middle.sign(&named(HOST), &own_key).pem() + &intermediate;
    let weak = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    let der = middle.sign(&host_params(), &own_key).der().to_vec();
    let utf16: Vec<u8> = format!("\u{feff}{chain}").encode_utf16().flat_map(u16::to_le_bytes).collect();

    let mut table = Table { root, failures: Vec::new() };
    let root_pem = table.root.pem();
    let t = &mut table;
    t.check("a chain", &chain, &key, Served(2)).await;
    t.check("a chain with its root", chain.clone() + &root_pem, &key, Served(3)).await;
    t.check("Windows line ends", chain.replace('\n', "\r\n"), key.replace('\n', "\r\n"), Served(2)).await;
    t.check("byte order marks", format!("\u{feff}{chain}"), format!("\u{feff}{key}"), Served(2)).await;
    t.check("text around", format!("Bag\n{leaf}\nissuer=x\n{intermediate}end\n"), format!("Key:\n{key}"), Served(2))
        .await;
    t.check("all in one file", format!("{key}{chain}"), format!("{chain}{key}"), Served(2)).await;
    t.check("an EC key", &chain, unwrapped(&own_key, "EC PRIVATE KEY"), Served(2)).await;
    t.check("an RSA key", &rsa_chain, unwrapped(&rsa_key, "RSA PRIVATE KEY"), Served(2)).await;
    t.check("an RSA key in PKCS #8", &rsa_chain, rsa_key.serialize_pem(), Served(2)).await;

    t.check("another order", leaf.clone() + &root_pem + &intermediate, &key, Doubted(3, "is followed by")).await;
    t.check("another key in between", leaf.clone() + &namesake, &key, Doubted(2, "is not signed by")).await;
    t.check("no name", &nameless, &key, Doubted(2, "names no host")).await;

    t.check(
        "joined in a line",
        leaf.trim_end().to_owned() + &intermediate,
        &key,
        Refused(&["cert.pem is damaged in line", "must stand alone"]),
    )
    .await;
    t.check(
        "a lost line in the second",
        leaf.clone() + &without_line(&intermediate, 4),
        &key,
        Refused(&["cert.pem is damaged in line", "line is missing"]),
    )
    .await;
    t.check(
        "a lost line in the first",
        without_line(&leaf, 4) + &intermediate,
        &key,
        Refused(&["cert.pem is damaged in line 1: ", "line is missing"]),
    )
    .await;
    t.check("cut off", &chain[..chain.len() - 40], &key, Refused(&["cert.pem is damaged in line", "has no end"])).await;
    t.check(
        "the second without its first line",
        leaf.clone() + &without_line(&intermediate, 0),
        &key,
        Refused(&["never began"]),
    )
    .await;
    t.check(
        "the issuer first",
        intermediate.clone() + &leaf,
        &key,
        Refused(&["cannot be used together", "which must be the first"]),
    )
    .await;
    t.check("another key", &chain, &other_key, Refused(&["cannot be used together", "none of the certificates"])).await;
    t.check(
        "an encrypted key",
        &chain,
        key.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        Refused(&["key.pem holds an encrypted key (line 1)", "openssl pkey -in"]),
    )
    .await;
    t.check("a lost line in the key", &chain, without_line(&key, 2), Refused(&["key.pem"])).await;
    t.check("a key of no kind", &chain, weak, Refused(&["key.pem holds a private key that cannot be used", "RSA"]))
        .await;
    t.check("no key", &chain, &leaf, Refused(&["key.pem holds no private key, but CERTIFICATE"])).await;
    t.check("the files swapped", &key, &chain, Refused(&["cert.pem holds no certificate, but PRIVATE KEY"])).await;
    t.check("UTF-16", &utf16, &key, Refused(&["cert.pem is UTF-16"])).await;
    t.check("DER", &der, &key, Refused(&["cert.pem is no text", "-inform DER"])).await;
    t.check("nothing", "", &key, Refused(&["cert.pem is empty"])).await;
    t.check("an empty key", &chain, "", Refused(&["key.pem is empty"])).await;
    assert!(table.failures.is_empty(), "{:#?}", table.failures);
}

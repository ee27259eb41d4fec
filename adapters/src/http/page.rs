//! The page on which a person watches the service at work: which files does it consist of, and how are they served?

use bytes::Bytes;
use poem::http::{StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response, Result};

/// The path of the page. Its files are below it.
pub(super) const PAGE_PATH: &str = "/system/inspector";

/// What the page may do: load what is served here, and call the routes of the service. Data of the meeting can neither
/// bring scripts or styles nor load anything from elsewhere.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page.
struct File {
    path: &'static str,
    text: &'static str,
}

/// The files in the folder `page`, except the page itself.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(File { path: concat!("/system/inspector/", $name), text: include_str!(concat!("page/", $name)) }),*]
    };
}

const INDEX: &str = include_str!("page/index.html");

const FILES: &[File] = &files![
    "captions.js",
    "dom.js",
    "element.js",
    "explain.js",
    "hall.js",
    "icon.svg",
    "main.js",
    "meeting.js",
    "richtext.js",
    "side.js",
    "slides.js",
    "stream.js",
    "style.css",
    "texts.js",
    "viewer.js",
    "voices.js",
    "wire.js",
];

/// Part of the page.
pub(super) enum PagePart {
    /// An unchanged file.
    File { content_type: &'static str, content: Bytes },
    /// A redirect to the page.
    Redirect,
}

/// Returns all paths of the page, with what is served there. `viewers` are the sessions through which the page can show
/// the meeting; if there are none, it uses the session that opens it.
pub(super) fn parts(viewers: &[&str]) -> impl Iterator<Item = (&'static str, PagePart)> {
    let index = Bytes::from(INDEX.replace("{{viewers}}", &viewers.join(" ")));
    let index = PagePart::File { content_type: content_type(".html"), content: index };
    let files = FILES.iter().map(|File { path, text }| {
        let content = Bytes::from_static(text.as_bytes());
        (*path, PagePart::File { content_type: content_type(path), content })
    });
    files.chain([(PAGE_PATH, index)])
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

impl Endpoint for PagePart {
    type Output = Response;

    async fn call(&self, _request: Request) -> Result<Response> {
        let response = Response::builder()
            .header(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::REFERRER_POLICY, "no-referrer");
        Ok(match self {
            Self::File { content_type, content } => response
                .header(header::CONTENT_TYPE, *content_type)
                // A browser must not mix the files of a newer version of the program with those of an older one.
                .header(header::CACHE_CONTROL, "no-cache")
                .body(content.clone()),
            Self::Redirect => response.status(StatusCode::FOUND).header(header::LOCATION, PAGE_PATH).finish(),
        }
        .into_response())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_the_page_stays_light() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/page");
        let in_folder: BTreeSet<String> = folder
            .read_dir()
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| name != "index.html")
            .collect();
        let prefix = format!("{PAGE_PATH}/");
        let served: BTreeSet<String> =
            FILES.iter().map(|file| file.path.strip_prefix(&prefix).expect(file.path).to_owned()).collect();
        assert_eq!(served, in_folder);
        let bytes: usize = INDEX.len() + FILES.iter().map(|file| file.text.len()).sum::<usize>();
        assert!(bytes < 100_000, "the page has {bytes} bytes");
    }

    #[tokio::test]
    async fn files_say_what_they_are_and_what_they_may_do() {
        for (path, part) in parts(&["admin", "guest"]).chain([("/", PagePart::Redirect)]) {
            let response = part.call(Request::default()).await.expect("an answer");
            let header = |name: &str| response.header(name).unwrap_or_default().to_owned();
            let (policy, kind) = (header("content-security-policy"), header("content-type"));
            assert!(policy.starts_with("default-src 'none';"), "{path}: {policy}");
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{path}: {policy}");
            assert_eq!(
                (header("x-content-type-options"), header("referrer-policy")),
                ("nosniff".into(), "no-referrer".into())
            );
            let expected = match path {
                "/" => "",
                PAGE_PATH => "text/html; charset=utf-8",
                path if path.ends_with(".js") => "text/javascript; charset=utf-8",
                path if path.ends_with(".css") => "text/css; charset=utf-8",
                _ => "image/svg+xml",
            };
            assert_eq!(kind, expected, "{path}");
            assert_eq!(header("location"), if path == "/" { PAGE_PATH } else { "" });
            let text = response.into_body().into_string().await.expect("text");
            assert_eq!(text.contains("data-viewers=\"admin guest\""), path == PAGE_PATH, "{path}");
            assert!(!text.contains("{{viewers}}"), "{path}");
        }
    }
}

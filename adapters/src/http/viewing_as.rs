//! How does the demo's page see the meeting as somebody else, without logging in?

use poem::Request;
use poem::http::header::COOKIE;
use poem::http::uri::PathAndQuery;
use poem::http::{HeaderValue, Uri};

/// The beginning of such a request's path; the session follows.
const PREFIX: &str = "/as/";

/// Sessions that anybody may use by the path of a request: `/as/<session>/system/…`. For demonstrations only.
pub struct ViewingAs {
    cookie_name: String,
    sessions: Vec<&'static str>,
}

impl ViewingAs {
    /// Lends these sessions, which are values of the cookie `cookie_name`.
    #[must_use]
    pub fn new(cookie_name: &str, sessions: Vec<&'static str>) -> Self {
        Self { cookie_name: cookie_name.to_owned(), sessions }
    }

    /// Returns the sessions that are lent.
    pub(super) fn sessions(&self) -> &[&'static str] {
        &self.sessions
    }

    /// Turns a request for `/as/<session>/system/…` into one for `/system/…` with only that session's cookie. Any other
    /// request is left unchanged.
    pub(super) fn apply(&self, request: &mut Request) {
        if let Some((uri, cookie)) = self.meant(request.uri()) {
            *request.uri_mut() = uri;
            request.headers_mut().insert(COOKIE, cookie);
        }
    }

    fn meant(&self, uri: &Uri) -> Option<(Uri, HeaderValue)> {
        let (session, _) = uri.path().strip_prefix(PREFIX)?.split_once('/')?;
        self.sessions.contains(&session).then_some(())?;
        let rest = uri.path_and_query()?.as_str().get(PREFIX.len() + session.len()..)?;
        // Not `/as/<session>/as/<another one>/…`.
        rest.starts_with("/system/").then_some(())?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(rest.parse::<PathAndQuery>().ok()?);
        let cookie = HeaderValue::try_from(format!("{}={session}", self.cookie_name)).ok()?;
        Some((Uri::from_parts(parts).ok()?, cookie))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: (&str, &str)) {
        let mut request = Request::builder().uri(uri.parse().expect(uri)).header("cookie", "session=own").finish();
        request.headers_mut().append(COOKIE, HeaderValue::from_static("other=x"));
        ViewingAs::new("session", vec!["admin", "guest"]).apply(&mut request);
        let cookies = request.headers().get_all(COOKIE).iter().map(|value| value.to_str().expect("ASCII"));
        let cookies = cookies.collect::<Vec<_>>().join("; ");
        assert_eq!((request.uri().to_string().as_str(), cookies.as_str()), expected, "{uri}");
    }

    #[test]
    fn a_session_is_lent_by_the_path_alone() {
        check("/as/admin/system/notify", ("/system/notify", "session=admin"));
        check("/as/guest/system/autoupdate?change_id=3", ("/system/autoupdate?change_id=3", "session=guest"));
        check("https://a:1/as/admin/system/health", ("https://a:1/system/health", "session=admin"));
    }

    #[test]
    fn any_other_request_stays_as_it_is() {
        let own = "session=own; other=x";
        for uri in [
            "/system/autoupdate",
            "/as/unknown/system/autoupdate",
            "/as/Admin/system/autoupdate",
            "/as/admin",
            "/as/admin/",
            "/as/admin/other",
            "/as/admin/as/guest/system/autoupdate",
            "/as//system/autoupdate",
            "/x/as/admin/system/autoupdate",
            "/%61s/admin/system/autoupdate",
            "/system/autoupdate?x=/as/admin/system/notify",
        ] {
            check(uri, (uri, own));
        }
    }
}

//! What does the demo print when it starts?

use std::fmt::Write as _;
use std::path::Path;

use adapters::http::address::Address;

use super::SESSIONS;

/// Returns what to try, with shell commands that work when pasted.
#[must_use]
pub(crate) fn greeting(address: &Address) -> String {
    let (place, curl, host) = match address {
        Address::Network(address) => {
            let port = address.port();
            (format!("port {port}"), "curl".to_owned(), format!("localhost:{port}"))
        }
        Address::Unix(path) => {
            let path = path.as_deref().unwrap_or(Path::new("")).display().to_string();
            let quoted = path.replace('\'', "'\\''");
            (path, format!("curl --unix-socket '{quoted}'"), "localhost".to_owned())
        }
    };
    let (http, https) = (format!("http://{host}/system"), format!("https://{host}/system"));
    let page = match address {
        Address::Network(_) => format!(
            "Open http://{host}/ in a browser, and watch two people see different things.\n(More than one tab: https://{host}/, \
             whose certificate is self-signed; by plain HTTP browsers open too few connections.)\n\n"
        ),
        // Browsers cannot open sockets of the file system.
        Address::Unix(_) => String::new(),
    };
    let mut text = format!(
        "\
A demonstration meeting runs on {place}, over HTTP and HTTPS; something happens in it every second.
No Redis is used; nothing is kept. Stop it with Ctrl-C.

{page}What everybody may see, and every change of it:
  {curl} -N {http}/autoupdate

The same as an administrator, and over TLS with HTTP/2 (the certificate is self-signed, therefore -k):
  {curl} -N --cookie OpenSlidesSessionID=admin {http}/autoupdate
  {curl} -Nk --http2 --cookie OpenSlidesSessionID=delegate {https}/autoupdate

What three projectors show:
  {curl} -N '{http}/projector?projector_ids=1,2,130'

Messages between clients, and applause: listen in one terminal, send in another:
  {curl} -N {http}/notify
  {curl} --cookie OpenSlidesSessionID=admin {http}/notify/send -d '{{\"channel_id\": \"terminal:1:0\", \"name\": \"hello\", \
         \"message\": \"from a terminal\", \"to_all\": true}}'
  {curl} --cookie OpenSlidesSessionID=delegate {http}/applause -d ''

Is it healthy?
  {curl} {http}/health

Sessions to compare, as --cookie OpenSlidesSessionID=…:
"
    );
    for session in SESSIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<10} user {:<4} {}", session.cookie, session.user_id, session.sees);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_port(port: u16) -> String {
        greeting(&Address::Network(([127, 0, 0, 1], port).into()))
    }

    #[test]
    fn it_names_the_port_every_route_and_every_session() {
        let text = on_port(4711);
        for route in ["autoupdate", "projector?", "notify\n", "notify/send", "applause", "health"] {
            assert!(text.contains(&format!("localhost:4711/system/{route}")), "{route}: {text}");
        }
        assert!(text.contains("Open http://localhost:4711/ in a browser"), "{text}");
        for session in SESSIONS {
            assert!(text.contains(session.cookie));
        }
    }

    #[test]
    fn every_command_stands_on_one_line_with_its_quotes_closed() {
        let on_socket = greeting(&Address::Unix(Some("/run/it's here".into())));
        for text in [on_port(8002), on_socket] {
            let commands: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("curl")).collect();
            assert_eq!(commands.len(), 8);
            for command in commands {
                assert_eq!(command.replace("\\'", "").matches('\'').count() % 2, 0, "{command}");
            }
        }
    }
}

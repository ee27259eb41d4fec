//! What does the demo print when it begins?

use std::fmt::Write as _;

use super::SESSIONS;

/// What to try, with lines for a shell that work when they are pasted.
#[must_use]
pub(crate) fn greeting(port: u16) -> String {
    let http = format!("http://localhost:{port}/system");
    let https = format!("https://localhost:{port}/system");
    let mut text = format!(
        "\
A demonstration meeting runs on port {port}, over HTTP and HTTPS; something happens in it every second.
No Redis is used; nothing is kept. Stop it with Ctrl-C.

What everybody may see, and every change of it:
  curl -N {http}/autoupdate

The same as an administrator, and over TLS with HTTP/2 (the certificate is self-signed, therefore -k):
  curl -N --cookie OpenSlidesSessionID=admin {http}/autoupdate
  curl -Nk --http2 --cookie OpenSlidesSessionID=delegate {https}/autoupdate

What three projectors show:
  curl -N '{http}/projector?projector_ids=1,2,130'

Messages between clients, and applause: listen in one terminal, send in another:
  curl -N {http}/notify
  curl --cookie OpenSlidesSessionID=admin {http}/notify/send -d '{{\"channel_id\": \"terminal:1:0\", \"name\": \"hello\", \
         \"message\": \"from a terminal\", \"to_all\": true}}'
  curl --cookie OpenSlidesSessionID=delegate {http}/applause -d ''

Is it healthy?
  curl {http}/health

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

    #[test]
    fn it_names_the_port_every_route_and_every_session() {
        let text = greeting(4711);
        for route in ["autoupdate", "projector?", "notify\n", "notify/send", "applause", "health"] {
            assert!(text.contains(&format!("localhost:4711/system/{route}")), "{route}: {text}");
        }
        for session in SESSIONS {
            assert!(text.contains(session.cookie));
        }
    }

    #[test]
    fn every_command_stands_on_one_line_with_its_quotes_closed() {
        let text = greeting(8002);
        let commands: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("curl")).collect();
        assert_eq!(commands.len(), 8);
        for command in commands {
            assert_eq!(command.matches('\'').count() % 2, 0, "{command}");
        }
    }
}

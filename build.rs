//! Which of the programs and files that some tests need are present? This sets `cfg` flags, so that tests that cannot
//! run are reported as ignored.
//!
//! It is the build script of every package with such tests. With `CI=true` nothing is ignored: if something is missing,
//! the tests fail.

#![allow(clippy::print_stdout, reason = "this is how a build script talks to Cargo")]
#![allow(clippy::disallowed_methods, reason = "the restrictions of the domain do not apply to its build script")]

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The folder with recorded cases, which are kept outside the project.
const RECORDED_CASES: &str = "../../shared/vectors";
const RECORDED_FILES: [&str; 4] = ["meeting.json", "required_users.json", "restricted.json", "slides.json"];

/// An accessibility checker.
const AXE: &str = "target/axe/node_modules/axe-core/axe.min.js";

/// The `cfg` flag for each proxy, and its program.
const PROXIES: [(&str, &str); 4] =
    [("has_apache", "apache2"), ("has_caddy", "caddy"), ("has_haproxy", "haproxy"), ("has_nginx", "nginx")];

fn main() {
    let script = if Path::new("build.rs").exists() { "build.rs" } else { "../build.rs" };
    println!("cargo::rerun-if-changed={script}");
    println!(
        "cargo::rustc-check-cfg=cfg(has_axe, has_browser, has_firefox, has_recorded_cases, has_redis_server, has_redis_tls)"
    );
    println!("cargo::rustc-check-cfg=cfg(has_apache, has_caddy, has_haproxy, has_nginx, has_prometheus, has_promtool)");
    let package = env::var("CARGO_PKG_NAME");
    if package.as_deref() == Ok("domain") {
        tell("has_recorded_cases", are_there(&RECORDED_FILES.map(|name| format!("{RECORDED_CASES}/{name}"))));
    } else {
        let server = program("redis-server");
        tell("has_redis_server", server.is_some());
        tell("has_redis_tls", server.is_some_and(|server| speaks_tls(&server)));
    }
    if matches!(package.as_deref(), Ok("adapters" | "autoupdate")) {
        tell("has_promtool", program("promtool").is_some());
    }
    if package.as_deref() == Ok("autoupdate") {
        tell("has_prometheus", program("prometheus").is_some());
        let browser = ["chromium", "chromedriver"].map(program);
        tell("has_browser", browser.iter().all(Option::is_some));
        tell("has_firefox", ["firefox-esr", "geckodriver"].map(program).iter().all(Option::is_some));
        for (name, proxy) in PROXIES {
            tell(name, program(proxy).is_some());
        }
        tell("has_axe", are_there(&[AXE.to_owned()]) && browser.iter().all(Option::is_some));
    }
}

fn tell(name: &str, is_there: bool) {
    if !is_there {
        println!("cargo::rerun-if-env-changed=CI");
    }
    if is_there || env::var("CI").as_deref() == Ok("true") {
        println!("cargo::rustc-cfg={name}");
    }
}

/// Watches the files only if they exist: for a missing one Cargo would rebuild every time.
fn are_there(paths: &[String]) -> bool {
    let are_there = paths.iter().all(|path| Path::new(path).exists());
    for path in paths.iter().filter(|_| are_there) {
        println!("cargo::rerun-if-changed={path}");
    }
    are_there
}

/// Finds the program if it is on the `PATH`. Watches it, or where it might appear.
fn program(name: &str) -> Option<PathBuf> {
    let folders: Vec<_> = env::split_paths(&env::var_os("PATH")?).filter(|folder| folder.is_dir()).collect();
    let found = folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("cargo::rerun-if-env-changed=PATH");
    }
    let watched = found.as_ref().map_or(&folders[..], std::slice::from_ref);
    for path in watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    found
}

/// Returns whether it was built with TLS: if so, it complains about the second setting rather than the first.
fn speaks_tls(server: &Path) -> bool {
    let complaint = Command::new(server)
        .args(["--tls-port", "0", "--no-such-setting", "1"])
        .stdin(Stdio::null())
        .output()
        .map(|output| String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned());
    complaint.is_ok_and(|complaint| complaint.contains("no-such-setting"))
}

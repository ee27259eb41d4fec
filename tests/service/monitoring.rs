//! Do the dashboard and the alerts in `deploy/` show what a running service says, as a real Prometheus understands it?
//! (docs/OPERATIONS.md, Metrics and Alerts)

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use adapters::redis::RedisAddress;
use adapters::testing::fake_redis::FakeRedis;
use adapters::testing::redis_server::RedisServer;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::harness::{Meeting, Process, Protocol, within};

const DASHBOARD: &str = "grafana/autoupdate.json";
const ALERTS: &str = "prometheus/alerts.yaml";

fn deployed(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(path)
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path.as_ref()).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Every query of the dashboard.
fn dashboard_queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text(deployed(DASHBOARD))).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("a query").to_owned()).collect()
}

/// What follows `key` in a line of the alerts: all of its values.
fn alerts(key: &str) -> Vec<String> {
    let values = text(deployed(ALERTS));
    values.lines().filter_map(|line| Some(line.split_once(key)?.1.trim().to_owned())).collect()
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|one: char| !one.is_ascii_alphanumeric() && one != '_');
    words.filter(|word| word.starts_with("autoupdate_") || word.starts_with("process_")).collect()
}

/// A service with metrics at some port, on which things happen.
struct Watched {
    meeting: Meeting,
    process: Process,
    metrics: String,
}

impl Watched {
    async fn start(redis: &RedisAddress, port: u16, reconcile_seconds: &str) -> Self {
        let meeting = Meeting::start(redis).await;
        let variables = [
            ("METRICS_ADDRESS", "127.0.0.1:0"),
            ("APPLAUSE_INTERVAL_MS", "50"),
            ("RECONCILE_SECONDS", reconcile_seconds),
        ];
        let mut process = Process::serve(port, &variables).await;
        let serving = process.until_logged("\"message\":\"serving metrics\"").await;
        let metrics = serving["addresses"].as_str().expect("addresses").trim_matches(['[', ']']).to_owned();
        process.browser().until_healthy().await;
        Self { meeting, process, metrics }
    }

    async fn text(&self) -> String {
        let answer = reqwest::get(format!("http://{}/metrics", self.metrics)).await.expect("an answer");
        answer.text().await.expect("text")
    }
}

/// The name of a metric in the dashboard or an alert that the service does not have shows nothing, and nobody notices.
#[tokio::test]
async fn the_dashboard_and_the_alerts_name_metrics_that_the_service_has() {
    let redis = FakeRedis::start().await.expect("a port");
    let watched = Watched::start(&redis.address(), redis.port(), "1").await;
    let told = watched.text().await;
    let told: BTreeSet<&str> = told.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    for text in dashboard_queries().iter().chain(&alerts("expr:")) {
        let missing: Vec<_> = names(text).into_iter().filter(|name| !told.contains(name)).collect();
        assert!(missing.is_empty(), "{missing:?} in {text}");
    }
}

/// The value of a metric in a text; 0 if there is none.
fn value(text: &str, name: &str) -> u64 {
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.map_or(0, |value| value.parse().expect("a number"))
}

/// Over each protocol the writer knows when a line is complete.
#[tokio::test]
async fn first_lines_and_deliveries_are_timed_once_over_every_protocol() {
    const TIMED: [&str; 2] = [
        "autoupdate_first_line_seconds_count{kind=\"autoupdate\"}",
        "autoupdate_delivery_seconds_count{kind=\"autoupdate\"}",
    ];
    let redis = FakeRedis::start().await.expect("a port");
    // A comparison that finds a change before the stream announces it does not know when it was written.
    let mut watched = Watched::start(&redis.address(), redis.port(), "3600").await;
    let cookie = watched.meeting.log_in(3).await;
    for (round, protocol) in (1..).zip(Protocol::ALL) {
        let mut watcher = watched.process.speaking(protocol).with_cookie(&cookie).watch().await;
        watcher.line().await.expect("everything");
        let begun = async { while value(&watched.text().await, TIMED[0]) < round {} };
        within("the end of the first line", begun).await;
        for _ in 0..3 {
            let change_id = watched.meeting.mark().await;
            watcher.until(change_id).await;
        }
        let delivered = async { while value(&watched.text().await, TIMED[1]) < 3 * round {} };
        within("the end of the lines", delivered).await;
        let text = watched.text().await;
        assert_eq!(TIMED.map(|name| value(&text, name)), [round, 3 * round], "{protocol:?}");
        let left = async { while value(&watched.text().await, "autoupdate_streams_open{kind=\"autoupdate\"}") > 0 {} };
        drop(watcher);
        within("the end of the stream", left).await;
    }
}

#[test]
fn every_alert_is_explained_and_has_cases() {
    let operations = text(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/OPERATIONS.md"));
    let cases = text(deployed("prometheus/alerts-test.yaml"));
    let alerts = alerts("- alert:");
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        assert!(operations.contains(&format!("| `{alert}` |")), "{alert} has no line in docs/OPERATIONS.md");
        for case in ["fires", "stays quiet"] {
            assert!(cases.contains(&format!("name: {alert} {case}\n")), "{alert} {case}: no such case");
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_promtool), ignore = "there is no `promtool` on the PATH")]
async fn the_alerts_fire_when_they_should() {
    for arguments in [
        ["check", "rules", "prometheus/alerts.yaml"],
        ["check", "config", "prometheus/prometheus.yaml"],
        ["test", "rules", "prometheus/alerts-test.yaml"],
    ] {
        let [command, what, path] = arguments;
        let promtool = Command::new("promtool").args([command, what]).arg(deployed(path)).output();
        let output = within("promtool", promtool).await.expect("promtool starts");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success() && !said.contains("FAILED"), "{said}");
    }
}

/// A Prometheus that reads the metrics of a service five times a second. Ended when dropped.
struct Prometheus {
    _child: Child,
    _directory: TempDir,
    address: String,
}

impl Prometheus {
    async fn watch(metrics: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let configuration = text(deployed("prometheus/prometheus.yaml"));
        let alerts = deployed(ALERTS);
        let replaced = [
            ("127.0.0.1:9100", metrics),
            ("scrape_interval: 10s", "scrape_interval: 200ms\n    scrape_timeout: 200ms"),
            ("  - alerts.yaml", &format!("  - {}", alerts.display())),
        ];
        let configuration = replaced.iter().fold(configuration, |text, (from, to)| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let path = directory.path().join("prometheus.yaml");
        std::fs::write(&path, configuration).expect("a file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("bound").to_string();
        drop(free);
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", path.display()));
        command.arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn().expect("Prometheus starts");
        let prometheus = Self { _child: child, _directory: directory, address };
        let ready = format!("http://{}/-/ready", prometheus.address);
        let is_ready = async {
            while !reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                tokio::task::yield_now().await;
            }
        };
        within("Prometheus", is_ready).await;
        prometheus
    }

    /// Returns what the API says at this path.
    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Value {
        let mut url = reqwest::Url::parse(&format!("http://{}/api/v1/{path}", self.address)).expect("a URL");
        url.query_pairs_mut().extend_pairs(query);
        let answer = reqwest::get(url).await.expect("an answer").text().await.expect("text");
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["status"], "success", "{query:?}: {answer}");
        answer["data"].clone()
    }

    async fn values(&self, query: &str) -> Vec<Value> {
        self.ask("query", &[("query", query)]).await["result"].as_array().expect("a list").clone()
    }
}

#[tokio::test]
#[cfg_attr(not(all(has_prometheus, has_redis_server)), ignore = "`prometheus` or `redis-server` is not on the PATH")]
async fn every_query_of_the_dashboard_has_data_and_no_alert_fires_while_all_is_well() {
    // A real one: its clock goes.
    let redis = RedisServer::start().await.expect("a Redis");
    let mut watched = Watched::start(&redis.address(), redis.port(), "1").await;
    let prometheus = Prometheus::watch(&watched.metrics).await;
    let cookie = watched.meeting.log_in(3).await;
    let mut watcher = watched.process.browser().with_cookie(&cookie).watch().await;
    watcher.line().await.expect("everything");
    for query in dashboard_queries() {
        let query = query.replace("$__rate_interval", "1m").replace("$instance", ".*");
        let has_data = async {
            loop {
                // Something happens meanwhile, so that there are rates, and quantiles of them.
                let change_id = watched.meeting.mark().await;
                watcher.until(change_id).await;
                let mut newcomer = watched.process.browser().with_cookie(&cookie).watch().await;
                newcomer.line().await.expect("everything");
                let values = prometheus.values(&query).await;
                if values.iter().any(|value| value["value"][1].as_str().is_some_and(|value| value != "NaN")) {
                    break;
                }
            }
        };
        within(&query, has_data).await;
    }
    // OpenMetrics, which Prometheus asks for, was understood.
    let targets = prometheus.ask("targets", &[]).await;
    assert_eq!(targets["activeTargets"][0]["lastError"], "", "{targets}");
    let rules = prometheus.ask("rules", &[("type", "alert")]).await;
    let rules = rules["groups"][0]["rules"].as_array().expect("rules").clone();
    assert_eq!(rules.len(), alerts("- alert:").len());
    // How fast this machine is does not matter here. The certificate is self-signed and ends late.
    let is_about_speed = |rule: &Value| rule["name"].as_str().is_some_and(|name| name.ends_with("Slow"));
    for rule in rules.iter().filter(|rule| !is_about_speed(rule)) {
        let query = rule["query"].as_str().expect("a query");
        assert_eq!(prometheus.values(query).await, Vec::<Value>::new(), "{}", rule["name"]);
    }
}

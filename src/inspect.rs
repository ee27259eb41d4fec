//! What does a user see, and why? The commands `view` and `explain`, for support over a terminal
//! (spec: inspector.md#commands).

mod compare;

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use adapters::redis::RedisElementStore;
use domain::explanation::{Verdict, explain as explain_element};
use domain::ids::{ChangeId, ElementKey};
use domain::meeting::{Meeting, view_in};
use domain::ports::element_store::{Bounds, ElementStore, RawElement, Snapshot};
use domain::restriction::viewer::Viewer;
use serde_json::{Map, Value};

use crate::config::{Config, Question, Who};
use crate::demo;
use crate::start::{StartError, redis};

/// Prints what a user sees: everything, or one element; or how that differs from what another user sees.
pub(crate) async fn view(
    config: &Config,
    question: &Question,
    key: Option<ElementKey>,
    other: Option<Who>,
) -> Result<ExitCode, StartError> {
    let meeting = meeting(config, question.demo).await?;
    let seen = seen(&meeting, question.user, key)?;
    match other {
        Some(other) => print(&compare::differences(&seen, &self::seen(&meeting, other, key)?)),
        None if key.is_some() && seen.is_empty() => Err("hidden from this user; `explain` tells why".into()),
        None => print(&seen),
    }
}

/// Prints why a user sees an element, or not. The status is 0 if the element is visible, else 1.
pub(crate) async fn explain(config: &Config, question: &Question, key: ElementKey) -> Result<ExitCode, StartError> {
    let meeting = meeting(config, question.demo).await?;
    let explanation = explain_element(&meeting, question.user.0, key);
    for line in explanation.lines(&meeting) {
        writeln!(stdout(), "{line}")?;
    }
    Ok(match explanation.verdict {
        Verdict::Whole | Verdict::Partly => ExitCode::SUCCESS,
        Verdict::Hidden | Verdict::Missing | Verdict::Unreadable => ExitCode::FAILURE,
    })
}

/// Returns what the user sees, by key.
fn seen(meeting: &Meeting, who: Who, key: Option<ElementKey>) -> Result<Map<String, Value>, StartError> {
    if let Some(user) = who.0.filter(|user| meeting.get(ElementKey::user(*user)).is_none()) {
        return Err(format!("user {user} does not exist in this meeting").into());
    }
    let viewer = Viewer::resolve(meeting, who.0);
    let keys: Vec<ElementKey> = key.map_or_else(|| meeting.keys().collect(), |key| vec![key]);
    let mut seen = Map::new();
    for key in keys {
        let (view, mut text) = (view_in(meeting, &viewer, key), String::new());
        if let Some(element) = meeting.get(key).filter(|_| !view.is_hidden()) {
            view.render(element, &mut text);
            seen.insert(key.to_string(), serde_json::from_str(&text)?);
        }
    }
    Ok(seen)
}

fn print(elements: &Map<String, Value>) -> Result<ExitCode, StartError> {
    writeln!(stdout(), "{}", serde_json::to_string_pretty(elements)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the meeting in Redis, or that of the demo.
async fn meeting(config: &Config, is_demo: bool) -> Result<Meeting, StartError> {
    let snapshot = if is_demo {
        let elements = demo::meeting()?;
        let raw = |(key, element): (String, Value)| RawElement {
            key: key.into_bytes(),
            json: Some(element.to_string().into_bytes()),
        };
        let first = ChangeId(demo::FIRST_CHANGE_ID);
        Snapshot { bounds: Bounds { lowest: first, highest: first }, elements: elements.into_iter().map(raw).collect() }
    } else {
        RedisElementStore::new(&redis(config)?).load().await?
    };
    Ok(Meeting::load(snapshot, None).meeting)
}

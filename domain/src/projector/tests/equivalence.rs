//! Does a board that renders only what its dependencies require equal one that renders everything?

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Write, changed};
use crate::collection::Collection as C;
use crate::ids::{ElementKey, ProjectorId};
use crate::meeting::Meeting;
use crate::projector::{ProjectorBoard, Written, render_projector};
use crate::slide::SlideName;
use crate::slide::tests::meeting;
use crate::testing::generator::Random;
use crate::testing::strategies::cases;

/// Few ids, so that elements meet; one that is no `i8`, one that is no `i32`.
const IDS: [u64; 4] = [1, 2, 130, 2_147_483_649];

const CONFIGS: [&str; 12] = [
    "agenda_show_last_speakers",
    "agenda_show_next_speakers",
    "agenda_countdown_warning_time",
    "motions_line_length",
    "motions_preamble",
    "motions_recommendation_text_mode",
    "motions_hide_referring_motions",
    "motions_disable_text_on_projector",
    "motions_disable_recommendation_on_projector",
    "motions_disable_sidebox_on_projector",
    "motions_recommendations_by",
    "something_else",
];

/// The collections that slides read, and the fields they read of them.
const FIELDS: [(C, &[&str]); 20] = [
    (C::AgendaItem, &["type", "weight", "parent_id", "item_number", "title_information", "content_object"]),
    (C::ListOfSpeakers, &["people:speakers", "title_information", "content_object", "closed"]),
    (C::Assignment, &["title", "people:assignment_related_users", "list_of_speakers_id", "agenda_item_id"]),
    (C::AssignmentOption, &["user_id", "weight", "decimal:yes", "decimal:no"]),
    (C::AssignmentPoll, &["title", "assignment_id", "state", "options_id", "amount_global_yes", "votescast"]),
    (C::Config, &["config"]),
    (C::Countdown, &["description", "running", "countdown_time"]),
    (C::Projector, &["elements", "elements", "reference_projector_id", "chyron_font_color"]),
    (C::ProjectorMessage, &["message"]),
    (C::Mediafile, &["path", "mimetype", "list_of_speakers_id"]),
    (
        C::Motion,
        &[
            "title",
            "identifier",
            "text",
            "people:submitters",
            "parent_id",
            "statute_paragraph_id",
            "amendment_paragraphs",
            "amendments_id",
            "change_recommendations_id",
            "recommendation_id",
            "recommendation_id",
            "recommendation_extension",
            "recommendation_extension",
            "state_id",
            "list_of_speakers_id",
            "agenda_item_id",
        ],
    ),
    (C::MotionBlock, &["title", "motions_id", "list_of_speakers_id", "agenda_item_id"]),
    (C::MotionChangeRecommendation, &["internal", "text"]),
    (C::MotionOption, &["decimal:yes", "decimal:no", "decimal:abstain"]),
    (C::MotionPoll, &["title", "motion_id", "state", "options_id", "votesvalid"]),
    (C::State, &["recommendation_label", "show_recommendation_extension_field", "merge_amendment_into_final"]),
    (C::StatuteParagraph, &["title", "text"]),
    (C::Topic, &["title", "text", "agenda_item_id", "list_of_speakers_id"]),
    (C::User, &["title", "first_name", "structure_level", "username"]),
    (C::Group, &["title"]),
];

struct Maker(Random);

impl Maker {
    fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())].clone()
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.0.below(end as u64)).expect("below a usize")
    }

    fn id(&mut self) -> Value {
        json!(self.pick(&IDS))
    }

    /// Mostly what the field should be; now and then null, or of a wrong type.
    fn odd_or(&mut self, value: Value) -> Value {
        match self.index(400) {
            0 => json!("ö\""),
            1 => json!([1.5]),
            2..20 => json!(null),
            _ => value,
        }
    }

    fn field(&mut self, name: &str) -> Value {
        let value = match name {
            "elements" => (0..self.index(4)).map(|_| self.entry()).collect(),
            "title_information" => self.pick(&[json!({}), json!({"title": "t"}), json!({"_agenda_item_number": 1})]),
            "content_object" => {
                json!({"collection": self.pick(&["topics/topic", "motions/motion", "x"]), "id": self.id()})
            }
            "amendment_paragraphs" => self.pick(&[json!(["a"]), json!(null)]),
            "recommendation_extension" => json!(format!("see [motion:{}]", self.id())),
            "type" | "state" | "weight" => self.pick(&[json!(0), json!(1), json!(4)]),
            "merge_amendment_into_final" => self.pick(&[json!(-1), json!(0), json!(1)]),
            "internal" | "show_recommendation_extension_field" => self.pick(&[json!(true), json!(false)]),
            _ if name.starts_with("people:") => (0..self.index(4)).map(|_| self.person()).collect(),
            _ if name.starts_with("decimal:") => self.pick(&[json!("1.000000"), json!(""), json!("-2.000000")]),
            _ if name.ends_with("s_id") => (0..self.index(3)).map(|_| self.id()).collect(),
            _ if name.ends_with("_id") => match self.index(5) {
                0 => json!(null),
                1 => json!(0),
                _ => self.id(),
            },
            _ => self.pick(&[json!("a"), json!("ü"), json!("")]),
        };
        self.odd_or(value)
    }

    fn person(&mut self) -> Value {
        let (begun, ended) = (json!("2020-11-17T10:00:00+01:00"), json!("2020-11-17T09:30:00Z"));
        json!({"user_id": self.id(), "weight": self.pick(&[json!(1), json!(2), json!(null)]),
            "begin_time": self.pick(&[begun, json!(null)]), "end_time": self.pick(&[ended, json!(null), json!(null)])})
    }

    fn entry(&mut self) -> Value {
        let name = self.pick(&SlideName::ALL).name();
        let id = self.id();
        let id = self.odd_or(id);
        match self.index(12) {
            0 => json!({"name": name}),
            1 => json!({"name": name, "id": id, "mode": "final", "only_main_items": true}),
            _ => json!({"name": name, "id": id}),
        }
    }

    fn write(&mut self) -> (String, Option<Value>) {
        // More of the projectors, the motions and the configuration, which make most of the difference.
        let (collection, names) = match self.index(12) {
            0 => FIELDS[7],
            1 | 2 => FIELDS[10],
            3 => FIELDS[5],
            _ => self.pick(&FIELDS),
        };
        let id = self.pick(&IDS);
        let key = ElementKey::new(collection, id).to_string();
        // Without users and states most slides are errors, which hide what they depend on.
        let needed_by_many = matches!(collection, C::User | C::State);
        match self.index(60) {
            0 => return (key, Some(json!("not an object"))),
            1 => return (key, None),
            2..12 if !needed_by_many => return (key, None),
            _ => {}
        }
        let mut element = json!({"id": id});
        for name in names {
            if *name == "config" {
                element["key"] = json!(self.pick(&CONFIGS));
                element["value"] = self.pick(&[json!(true), json!(false), json!(1), json!("final"), json!(null)]);
            } else {
                let value = self.field(name);
                let name = name.split_once(':').map_or(*name, |(_, name)| name);
                element[name] = value;
            }
        }
        (key, Some(element))
    }
}

fn writes(seeds: &[u64]) -> Vec<(String, Option<Value>)> {
    seeds.iter().map(|seed| Maker(Random::new(*seed)).write()).collect()
}

fn as_writes(owned: &[(String, Option<Value>)]) -> Vec<Write<'_>> {
    owned.iter().map(|(key, element)| (key.as_str(), element.clone())).collect()
}

#[track_caller]
fn check_board(board: &ProjectorBoard, meeting: &Meeting, wanted: &BTreeSet<ProjectorId>) {
    for id in IDS.map(ProjectorId) {
        let fresh = render_projector(meeting, id);
        let expected = if wanted.contains(&id) { fresh.json } else { None };
        assert_eq!(board.json(id), expected.as_ref(), "projector {id}");
        if let Some(json) = expected {
            assert!(json.is_ascii());
            assert!(serde_json::from_str::<Vec<Value>>(&json).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(cases(if cfg!(debug_assertions) { 128 } else { 2_000 }))]

    /// Some steps may be looked at together, as after a pause; the projectors that are asked for come and go.
    #[test]
    fn what_the_dependencies_name_is_all_that_changes(
        base in vec(any::<u64>(), 100..400),
        steps in vec((vec(any::<u64>(), 1..3), 0..4_u8, 0..16_usize), 1..24),
    ) {
        let mut current = changed(&meeting(&[]), &as_writes(&writes(&base)));
        let mut board = ProjectorBoard::new(Arc::new(current.clone()));
        let mut written = Vec::new();
        for (seeds, pause, asked) in steps {
            current = changed(&current, &as_writes(&writes(&seeds)));
            written.extend_from_slice(&current.step().written);
            if pause == 0 {
                continue;
            }
            // Mostly all of them: what is newly asked for is rendered anyhow.
            let asked = if pause == 1 { asked } else { 0 };
            let wanted: BTreeSet<_> = IDS.iter().enumerate().filter(|(bit, _)| (asked >> bit) & 1 == 0).map(|(_, id)| ProjectorId(*id)).collect();
            let advanced = board.advance(Arc::new(current.clone()), Written::Keys(&written), &wanted);
            check_board(&advanced.board, &current, &wanted);
            for id in &wanted {
                let differs = board.json(*id) != advanced.board.json(*id);
                prop_assert_eq!(advanced.changes.projectors.contains(id), differs);
            }
            board = advanced.board;
            written.clear();
        }
    }

    /// What a slide did not look at before: an element new to a collection, a motion that begins to refer to another.
    #[test]
    fn new_dependencies_of_a_slide_are_noticed(steps in vec((0..3_usize, 0..4_usize, 0..4_usize), 1..24)) {
        let shown = json!({"id": 1, "elements": [{"name": "agenda/item-list"}, {"name": "motions/motion", "id": 1}]});
        let mut current = meeting(&[
            ("core/projector:1", shown),
            ("motions/state:1", json!({"id": 1, "show_recommendation_extension_field": true})),
            ("motions/motion:1", json!({"id": 1, "title": "shown"})),
        ]);
        let wanted = BTreeSet::from([ProjectorId(1)]);
        let advance = |board: &ProjectorBoard, meeting: &Meeting| {
            board.advance(Arc::new(meeting.clone()), Written::Keys(&meeting.step().written), &wanted).board
        };
        let mut board = advance(&ProjectorBoard::new(Arc::new(current.clone())), &current);
        for (which, id, what) in steps {
            let id = IDS[id];
            let (key, element) = match which {
                0 => (format!("agenda/item:{id}"), json!({"id": id, "type": what % 2, "weight": what})),
                _ => {
                    let extension = ["", "[motion:1]", "[motion:2]", "[motion:130]"][what];
                    let motion = json!({"id": id, "recommendation_id": 1, "recommendation_extension": extension});
                    (format!("motions/motion:{id}"), motion)
                }
            };
            let element = Some(element).filter(|_| what > 0 || id == 1);
            current = changed(&current, &[(key.as_str(), element)]);
            board = advance(&board, &current);
            check_board(&board, &current, &wanted);
        }
    }
}

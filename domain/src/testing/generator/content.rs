//! What is a generated meeting about: its agenda, motions, files, elections' frames, projectors and configuration?

use serde_json::{Value, json};

use super::{Counts, Generated, Random};
use crate::collection::Collection;

/// How many speakers a list has; ten make about 2 kB.
const SPEAKERS: u64 = 10;

/// The configuration values that rules and slides read.
const CONFIGS: [(&str, Value); 16] = [
    ("general_event_name", Value::Null),
    ("general_system_enable_anonymous", Value::Bool(true)),
    ("general_system_stream_applause_timeout", Value::Null),
    ("agenda_list_of_speakers_speaker_note_for_everyone", Value::Bool(false)),
    ("agenda_show_last_speakers", Value::Null),
    ("agenda_show_next_speakers", Value::Null),
    ("agenda_countdown_warning_time", Value::Null),
    ("motions_line_length", Value::Null),
    ("motions_preamble", Value::Null),
    ("motions_default_line_numbering", Value::Null),
    ("motions_recommendations_by", Value::Null),
    ("motions_recommendation_text_mode", Value::Null),
    ("motions_disable_text_on_projector", Value::Bool(false)),
    ("motions_disable_reason_on_projector", Value::Bool(false)),
    ("motions_disable_sidebox_on_projector", Value::Bool(false)),
    ("motions_hide_referring_motions", Value::Bool(false)),
];

pub(super) fn add(made: &mut Generated, random: &mut Random, counts: &Counts) {
    add_frame(made, random, counts);
    add_projectors(made);
    let mut placed = Placed::default();
    for id in 1..=counts.topics {
        let title = random.text(30);
        let (item, speakers) = placed.item_and_speakers(made, random, counts, Collection::Topic, id, &title);
        let element = json!({"id": id, "title": title, "text": random.paragraphs(4, 500), "attachments_id": [],
            "agenda_item_id": item, "list_of_speakers_id": speakers});
        made.put(Collection::Topic, id, &element);
    }
    for id in 1..=counts.mediafiles {
        let title = format!("Datei {id}.pdf");
        let speakers = placed.speakers(made, random, counts, Collection::Mediafile, id, &title);
        let everybody = !random.once_in(4);
        let element = json!({"id": id, "title": title, "media_url_prefix": "/media/", "filesize": "120 kB",
            "mimetype": "application/pdf", "pdf_information": {"pages": 3},
            "access_groups_id": if everybody { json!([]) } else { json!([3, 4]) },
            "create_timestamp": "2026-11-20T09:00:00.000001+01:00", "is_directory": false, "path": title,
            "parent_id": null, "list_of_speakers_id": speakers,
            "inherited_access_groups_id": if everybody { json!(true) } else { json!([3, 4]) }});
        made.put(Collection::Mediafile, id, &element);
    }
    for id in 1..=counts.blocks {
        let title = format!("Block {id}");
        let (item, speakers) = placed.item_and_speakers(made, random, counts, Collection::MotionBlock, id, &title);
        let motions: Vec<u64> = (1..=counts.motions).filter(|motion| block_of(*motion, counts) == id).collect();
        let element = json!({"id": id, "title": title, "agenda_item_id": item, "list_of_speakers_id": speakers,
            "internal": random.once_in(5), "motions_id": motions});
        made.put(Collection::MotionBlock, id, &element);
    }
    for id in 1..=counts.motions {
        add_motion(made, random, counts, &mut placed, id);
    }
    for id in 1..=counts.change_recommendations {
        let element = json!({"id": id, "motion_id": motion_of_recommendation(id, counts), "rejected": false,
            "internal": random.once_in(3), "type": 0, "other_description": "", "line_from": 1, "line_to": 3,
            "text": random.paragraphs(2, 500), "creation_time": "2026-11-20T09:30:00.123456+01:00"});
        made.put(Collection::MotionChangeRecommendation, id, &element);
    }
    for id in 1..=counts.assignments {
        let title = format!("Wahl {id}");
        let (item, speakers) = placed.item_and_speakers(made, random, counts, Collection::Assignment, id, &title);
        let candidates = random.ids(5, counts.users);
        let candidates: Vec<Value> = candidates
            .iter()
            .enumerate()
            .map(|(weight, user)| json!({"id": id * 100 + weight as u64, "user_id": user, "weight": weight + 1}))
            .collect();
        let polls: Vec<u64> =
            (1..=counts.assignment_polls).filter(|poll| (poll - 1) % counts.assignments + 1 == id).collect();
        let element = json!({"id": id, "title": title, "description": random.paragraphs(1, 200), "open_posts": 1,
            "phase": 1, "assignment_related_users": candidates, "default_poll_description": "",
            "agenda_item_id": item, "list_of_speakers_id": speakers, "tags_id": [], "attachments_id": [],
            "number_poll_candidates": false, "polls_id": polls});
        made.put(Collection::Assignment, id, &element);
    }
}

/// The number of agenda items and lists of speakers created so far.
#[derive(Default)]
struct Placed {
    items: u64,
    speakers: u64,
}

impl Placed {
    fn item_and_speakers(
        &mut self,
        made: &mut Generated,
        random: &mut Random,
        counts: &Counts,
        collection: Collection,
        id: u64,
        title: &str,
    ) -> (u64, u64) {
        self.items += 1;
        let item = self.items;
        let kind = 1 + u64::from(random.once_in(5)) + u64::from(random.once_in(10));
        let element = json!({"id": item, "item_number": format!("{item}"), "title_information": {"title": title},
            "comment": if random.once_in(3) { json!(random.text(60)) } else { Value::Null }, "closed": false,
            "type": kind, "is_internal": kind == 2, "is_hidden": kind == 3, "duration": 10,
            "content_object": {"collection": collection.name(), "id": id}, "weight": item * 2, "parent_id": null,
            "level": 0, "tags_id": []});
        made.put(Collection::AgendaItem, item, &element);
        (item, self.speakers(made, random, counts, collection, id, title))
    }

    fn speakers(
        &mut self,
        made: &mut Generated,
        random: &mut Random,
        counts: &Counts,
        collection: Collection,
        id: u64,
        title: &str,
    ) -> u64 {
        self.speakers += 1;
        let list = self.speakers;
        let speakers: Vec<Value> = (0..SPEAKERS)
            .map(|number| {
                let finished = number < 3;
                json!({"id": list * 100 + number, "user_id": random.id(counts.users),
                    "begin_time": finished.then_some("2026-11-21T10:00:00.123456+01:00"),
                    "end_time": finished.then(|| format!("2026-11-21T10:0{number}:30.123456+01:00")),
                    "weight": (!finished).then_some(number), "note": random.once_in(3).then(|| random.text(60)),
                    "marked": false, "point_of_order": false, "pro_speech": null})
            })
            .collect();
        let element = json!({"id": list, "title_information": {"title": title}, "speakers": speakers, "closed": false,
            "content_object": {"collection": collection.name(), "id": id}});
        made.put(Collection::ListOfSpeakers, list, &element);
        list
    }
}

fn block_of(motion: u64, counts: &Counts) -> u64 {
    // Most motions are in no block.
    if motion.is_multiple_of(3) { motion / 3 % counts.blocks + 1 } else { 0 }
}

fn motion_of_recommendation(id: u64, counts: &Counts) -> u64 {
    (id - 1) % counts.motions + 1
}

fn add_motion(made: &mut Generated, random: &mut Random, counts: &Counts, placed: &mut Placed, id: u64) {
    let title = random.text(40);
    let (item, speakers) = placed.item_and_speakers(made, random, counts, Collection::Motion, id, &title);
    let state = 1 + id % 4;
    let recommendations: Vec<u64> =
        (1..=counts.change_recommendations).skip(id as usize - 1).step_by(counts.motions as usize).collect();
    let submitters: Vec<Value> = random
        .ids(2, counts.users)
        .iter()
        .enumerate()
        .map(
            |(number, user)| json!({"id": id * 10 + number as u64, "user_id": user, "motion_id": id, "weight": number}),
        )
        .collect();
    let comments: Vec<Value> = (1..=2)
        .map(|section| {
            json!({"id": id * 2 + section, "comment": random.paragraphs(1, 80), "section_id": section,
                "read_groups_id": comment_readers(section)})
        })
        .collect();
    let block = block_of(id, counts);
    let element = json!({
        "id": id, "identifier": format!("A{id}"), "title": title, "text": random.paragraphs(5, 420),
        "amendment_paragraphs": null, "modified_final_version": "", "reason": random.paragraphs(2, 300),
        "parent_id": null, "category_id": random.id(counts.categories), "category_weight": 10_000, "comments": comments,
        "motion_block_id": (block != 0).then_some(block), "origin": "", "submitters": submitters,
        "supporters_id": random.ids(3, counts.users), "state_id": state, "state_extension": null,
        "state_restriction": state_restriction(state), "statute_paragraph_id": null, "workflow_id": 1,
        "recommendation_id": random.once_in(2).then_some(2), "recommendation_extension": null,
        "tags_id": [random.id(counts.tags)], "attachments_id": [], "agenda_item_id": item,
        "list_of_speakers_id": speakers, "sort_parent_id": null, "weight": id * 2,
        "created": "2026-11-20T08:00:00.123456+01:00", "last_modified": "2026-11-20T08:30:00.123456+01:00",
        "change_recommendations_id": recommendations, "amendments_id": [],
    });
    made.put(Collection::Motion, id, &element);
}

fn comment_readers(section: u64) -> [u64; 2] {
    if section == 1 { [3, 4] } else { [4, 9] }
}

fn state_restriction(state: u64) -> &'static [&'static str] {
    if state == 4 { &["motions.can_see_internal", "is_submitter"] } else { &[] }
}

/// Adds the elements whose number is fixed or small.
fn add_frame(made: &mut Generated, random: &mut Random, counts: &Counts) {
    for id in 1..=counts.configs {
        let (key, value) = match CONFIGS.get(id as usize - 1) {
            Some((key, Value::Null)) => ((*key).to_owned(), json!(5)),
            Some((key, value)) => ((*key).to_owned(), value.clone()),
            None => (format!("other_value_{id}"), json!(random.text(20))),
        };
        let data = json!({"defaultValue": value, "inputType": "string", "label": random.text(30), "helpText": "",
            "choices": null, "weight": id * 10, "group": "General", "subgroup": "System"});
        made.put(Collection::Config, id, &json!({"id": id, "key": key, "value": value, "data": data}));
    }
    for id in 1..=counts.tags {
        made.put(Collection::Tag, id, &json!({"id": id, "name": format!("Tag {id}")}));
    }
    for id in 1..=counts.categories {
        let element = json!({"id": id, "name": random.text(20), "prefix": format!("K{id}"), "parent_id": null,
            "weight": id, "level": 0});
        made.put(Collection::Category, id, &element);
    }
    let paragraph = json!({"id": 1, "title": "§ 1", "text": random.paragraphs(1, 300), "weight": 1});
    made.put(Collection::StatuteParagraph, 1, &paragraph);
    for id in 1..=2 {
        let readers = comment_readers(id);
        let element = json!({"id": id, "name": format!("Section {id}"), "read_groups_id": readers,
            "write_groups_id": [4], "weight": id});
        made.put(Collection::MotionCommentSection, id, &element);
    }
    let states = [(1, "submitted", 0), (2, "accepted", 1), (3, "rejected", -1), (4, "internal", 0)];
    for (id, name, merge) in states {
        let element = json!({"id": id, "name": name, "recommendation_label": name, "css_class": "grey",
            "restriction": state_restriction(id), "allow_support": true, "allow_create_poll": true,
            "allow_submitter_edit": false, "dont_set_identifier": false, "show_state_extension_field": false,
            "merge_amendment_into_final": merge, "show_recommendation_extension_field": false, "next_states_id": [],
            "workflow_id": 1});
        made.put(Collection::State, id, &element);
    }
    let workflow = json!({"id": 1, "name": "Simple", "states_id": [1, 2, 3, 4], "first_state_id": 1});
    made.put(Collection::Workflow, 1, &workflow);
}

fn add_projectors(made: &mut Generated) {
    let slides = [
        json!([{"name": "agenda/current-list-of-speakers-overlay", "stable": true}, {"name": "topics/topic", "id": 1}]),
        json!([{"name": "motions/motion", "id": 1}, {"name": "core/countdown", "id": 1, "stable": true}]),
        json!([{"name": "motions/motion-poll", "id": 1}, {"name": "agenda/item-list", "only_main_items": true}]),
    ];
    for (id, elements) in (1..).zip(slides) {
        let element = json!({"id": id, "elements": elements, "elements_preview": [], "elements_history": [], "scale": 0,
            "scroll": 0, "name": format!("Projector {id}"), "width": 1200, "aspect_ratio_numerator": 16,
            "aspect_ratio_denominator": 9, "reference_projector_id": 1,
            "projectiondefaults_id": if id == 1 { json!([1]) } else { json!([]) }, "color": "#000000",
            "background_color": "#ffffff", "header_background_color": "#317796", "header_font_color": "#f5f5f5",
            "header_h1_color": "#317796", "chyron_background_color": "#317796", "chyron_font_color": "#ffffff",
            "show_header_footer": true, "show_title": true, "show_logo": true});
        made.put(Collection::Projector, id, &element);
    }
    let default = json!({"id": 1, "name": "agenda_all_items", "display_name": "Agenda", "projector_id": 1});
    made.put(Collection::ProjectionDefault, 1, &default);
    made.put(Collection::ProjectorMessage, 1, &json!({"id": 1, "message": "<p>Mittagspause</p>"}));
    let countdown = json!({"id": 1, "title": "Redezeit", "description": "", "default_time": 60,
        "countdown_time": 60.0, "running": false});
    made.put(Collection::Countdown, 1, &countdown);
}

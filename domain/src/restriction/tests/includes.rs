//! Does what a view includes really follow from what it shows?

use proptest::prelude::*;

use super::viewer;
use crate::element::Element;
use crate::ids::UserId;
use crate::meeting::{Meeting, view_in};
use crate::restriction::view::View;
use crate::testing::strategies::{LOWEST, VIEWERS, cases, meeting, snapshot};

fn text(view: &View, element: &Element) -> String {
    let mut text = String::new();
    view.render(element, &mut text);
    text
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn what_a_view_includes_can_be_read_from_its_text(elements in meeting()) {
        let meeting = Meeting::load(snapshot(&elements, LOWEST), None).meeting;
        for key in meeting.keys() {
            let element = meeting.get(key).expect("an element of the meeting");
            let views = VIEWERS.map(|user| view_in(&meeting, &viewer(&meeting, user), key));
            for one in &views {
                let shown = Element::read(key, text(one, element).as_bytes()).element;
                for other in views.iter().filter(|other| one.includes(other)) {
                    prop_assert_eq!(text(other, element), text(other, &shown));
                }
            }
        }
    }
}

#[test]
fn whose_notes_are_seen_decides_what_is_included() {
    let (own, none) = (View::NotesOf(Some(UserId(5))), View::NotesOf(None));
    assert!(own.includes(&none));
    assert!(!none.includes(&own));
    assert!(!own.includes(&View::Whole));
}

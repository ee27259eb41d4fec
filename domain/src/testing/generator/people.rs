//! Who is in a generated meeting: groups, users, and the elements that belong to them.

use serde_json::{Value, json};

use super::{Counts, Generated, Random};
use crate::collection::Collection;
use crate::ids::{GroupId, UserId};

/// A group of a generated meeting.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: &'static str,
    /// The permissions of its members.
    pub permissions: &'static [&'static str],
}

/// The group of half of the users: they see lists of speakers, but no motions.
pub const OBSERVERS: u64 = 10;

/// The groups: default, administrators, and eight with different permissions.
pub const GROUPS: [Group; 10] = [
    Group { id: 1, name: "Default", permissions: &["agenda.can_see", "core.can_see_projector"] },
    Group { id: 2, name: "Admin", permissions: &[] },
    Group {
        id: 3,
        name: "Delegates",
        permissions: &[
            "agenda.can_be_speaker",
            "agenda.can_see",
            "agenda.can_see_internal_items",
            "agenda.can_see_list_of_speakers",
            "assignments.can_see",
            "core.can_see_frontpage",
            "core.can_see_projector",
            "mediafiles.can_see",
            "motions.can_create",
            "motions.can_see",
            "users.can_see_name",
        ],
    },
    Group {
        id: 4,
        name: "Staff",
        permissions: &[
            "agenda.can_manage",
            "agenda.can_manage_list_of_speakers",
            "agenda.can_see",
            "agenda.can_see_internal_items",
            "agenda.can_see_list_of_speakers",
            "assignments.can_manage",
            "assignments.can_see",
            "chat.can_manage",
            "core.can_see_projector",
            "mediafiles.can_see",
            "motions.can_manage",
            "motions.can_manage_metadata",
            "motions.can_manage_polls",
            "motions.can_see",
            "motions.can_see_internal",
            "users.can_manage",
            "users.can_see_extra_data",
            "users.can_see_name",
        ],
    },
    Group {
        id: 5,
        name: "Committees",
        permissions: &[
            "agenda.can_see",
            "agenda.can_see_internal_items",
            "agenda.can_see_list_of_speakers",
            "assignments.can_see",
            "core.can_see_projector",
            "mediafiles.can_see",
            "motions.can_see",
            "motions.can_see_internal",
            "users.can_see_extra_data",
            "users.can_see_name",
        ],
    },
    Group { id: 6, name: "Guests", permissions: &["agenda.can_see", "core.can_see_projector"] },
    Group { id: 7, name: "Press", permissions: &["agenda.can_see_list_of_speakers", "motions.can_see"] },
    Group {
        id: 8,
        name: "Voters",
        permissions: &["agenda.can_see_list_of_speakers", "assignments.can_see", "motions.can_see"],
    },
    Group {
        id: 9,
        name: "Motion managers",
        permissions: &[
            "agenda.can_see",
            "agenda.can_see_list_of_speakers",
            "motions.can_manage",
            "motions.can_manage_metadata",
            "motions.can_manage_polls",
            "motions.can_see",
            "motions.can_see_internal",
            "users.can_see_name",
        ],
    },
    Group {
        id: OBSERVERS,
        name: "Observers",
        permissions: &[
            "agenda.can_see",
            "agenda.can_see_list_of_speakers",
            "core.can_see_projector",
            "mediafiles.can_see",
            "users.can_see_name",
        ],
    },
];

/// How many of a hundred users that are not observers are in each group: few manage, most listen and vote.
const SHARES: [(u64, u64); 7] = [(3, 60), (8, 15), (5, 10), (6, 7), (7, 5), (4, 2), (9, 1)];

/// The users and their groups; spread over the ids, so that any range of users has all groups.
pub(super) fn users(count: usize) -> Vec<(UserId, GroupId)> {
    let users = (1..=count as u64).map(|id| {
        let group = match id {
            1 => 2,
            _ if id % 2 == 0 => OBSERVERS,
            _ => group_of_share((id / 2 * 37) % 100),
        };
        (UserId(id), GroupId(group))
    });
    users.collect()
}

fn group_of_share(mut percent: u64) -> u64 {
    for (group, share) in SHARES {
        if percent < share {
            return group;
        }
        percent -= share;
    }
    SHARES[0].0
}

pub(super) fn add(made: &mut Generated, random: &mut Random, counts: &Counts) {
    for group in GROUPS {
        let element = json!({"id": group.id, "name": group.name, "permissions": group.permissions});
        made.put(Collection::Group, group.id, &element);
    }
    for (user, group) in made.users.clone() {
        made.put(Collection::User, user.0, &user_element(random, user.0, group.0));
    }
    for id in 1..=counts.personal_notes {
        let note = json!({"note": format!("<p>{}</p>", random.text(700)), "star": random.once_in(2)});
        let motion = random.id(counts.motions).to_string();
        let element = json!({"id": id, "user_id": id + 1, "notes": {"motions/motion": {motion: note}}});
        made.put(Collection::PersonalNote, id, &element);
    }
    add_chat(made, random, counts);
}

fn user_element(random: &mut Random, id: u64, group: u64) -> Value {
    json!({
        "id": id,
        "username": format!("user{id}"),
        "title": if random.once_in(10) { "Dr." } else { "" },
        "first_name": format!("Member {id}"),
        "last_name": format!("Müller {}", random.below(1_000)),
        "structure_level": format!("Kreis {}", random.below(50)),
        "number": format!("N-{id:05}"),
        "about_me": random.text(200),
        "groups_id": [group],
        "is_present": random.once_in(2),
        "is_committee": false,
        "vote_weight": "1.000000",
        "gender": "",
        "email": format!("user{id}@example.org"),
        "last_email_send": null,
        "comment": "",
        "is_active": true,
        "auth_type": "default",
        "vote_delegated_to_id": null,
        "vote_delegated_from_users_id": [],
        "default_password": format!("{:016x}", random.number()),
        "session_auth_hash": session_auth_hash(id),
    })
}

/// Returns the `session_auth_hash` of a generated user, for valid sessions.
#[must_use]
pub fn session_auth_hash(user: u64) -> String {
    let mut random = Random::new(user);
    format!("{:016x}{:016x}{:08x}", random.number(), random.number(), random.number() >> 32)
}

fn add_chat(made: &mut Generated, random: &mut Random, counts: &Counts) {
    let groups = [(1, vec![OBSERVERS, 6], vec![3, 4]), (2, vec![], vec![4])];
    for (id, read, write) in &groups {
        let element = json!({"id": id, "name": format!("Chat {id}"), "read_groups_id": read, "write_groups_id": write});
        made.put(Collection::ChatGroup, *id, &element);
    }
    for id in 1..=counts.chat_messages {
        let (group, read, write) = &groups[(id % 2) as usize];
        let user = random.id(counts.users);
        let element = json!({
            "id": id, "text": random.text(80), "chatgroup_id": group, "timestamp": "2026-11-21T10:00:00.123456+01:00",
            "username": format!("Member {user}"), "user_id": user, "read_groups_id": read, "write_groups_id": write,
        });
        made.put(Collection::ChatMessage, id, &element);
    }
}

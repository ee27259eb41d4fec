//! What is in a random element? Mostly valid fields, but every field that a rule reads is sometimes null, missing or
//! wrong.

use serde_json::{Map, Value, json};

/// The users of random meetings; 0x8000_0005 and beyond do not fit in 32 bits with a sign.
pub const USERS: [u64; 6] = [1, 2, 3, 4, 130, 0x1_0000_0007];

/// The groups of random meetings; 1 is the default group, 2 the one that sees everything.
pub const GROUPS: [u64; 5] = [1, 2, 3, 4, 200];

/// The ids of other elements.
pub const IDS: [u64; 5] = [1, 2, 64, 130, 0x8000_0005];

/// The configuration values that rules and services read. The id of an element decides which one it is, but now and
/// then it takes the name of another.
pub const CONFIGS: [&str; 4] = [
    "agenda_list_of_speakers_speaker_note_for_everyone",
    "general_system_enable_anonymous",
    "general_system_applause_enable",
    "general_event_name",
];

const PERMISSIONS: [&str; 20] = [
    "agenda.can_see",
    "agenda.can_manage",
    "agenda.can_see_internal_items",
    "agenda.can_see_list_of_speakers",
    "agenda.can_manage_list_of_speakers",
    "agenda.can_be_speaker",
    "assignments.can_see",
    "assignments.can_manage",
    "chat.can_manage",
    "core.can_see_projector",
    "mediafiles.can_see",
    "motions.can_see",
    "motions.can_see_internal",
    "motions.can_manage",
    "motions.can_manage_metadata",
    "motions.can_manage_polls",
    "users.can_see_name",
    "users.can_see_extra_data",
    "users.can_manage",
    "plugin.can_do",
];

/// Texts that are easily altered by processing.
const TEXTS: [&str; 7] = ["", "Antrag", "Übergröße", "\"quoted\" \\ /", "line\nbreak\t\u{1}", "😀 \u{2028}", "null"];

/// Numbers that are easily altered by processing.
const NUMBERS: [&str; 6] = ["0", "1.50", "1e3", "-0.0", "123456789012345678901234567890", "1605606313.926311"];

/// Decides everything about an element from one number, so that the same number gives the same element.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Creates dice with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Rolls a number below `sides` (SplitMix64).
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }

    /// Picks an item at random.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let index = self.roll(from.len() as u64);
        from[usize::try_from(index).expect("an index")]
    }

    /// Returns true once in the given number of times, on average.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.roll(times) == 0
    }

    /// Picks up to `max` different items, in any order.
    fn some<T: Copy + PartialEq>(&mut self, from: &[T], max: u64) -> Vec<T> {
        let mut some = Vec::new();
        for _ in 0..self.roll(max + 1) {
            let one = self.pick(from);
            if !some.contains(&one) {
                some.push(one);
            }
        }
        some
    }

    fn users(&mut self) -> Value {
        json!(self.some(&USERS, 4))
    }

    fn groups(&mut self) -> Value {
        json!(self.some(&GROUPS, 2))
    }

    fn boolean(&mut self) -> Value {
        json!(self.one_in(2))
    }

    /// Returns a user id, no user, or a value that must never be read as one.
    fn user(&mut self) -> Value {
        match self.roll(9) {
            0 => Value::Null,
            1 => json!(0),
            2 => json!(-1),
            _ => json!(self.pick(&USERS)),
        }
    }

    fn state(&mut self) -> Value {
        json!(self.pick(&[1, 2, 3, 3, 4, 4, 4, 0, 7, -4]))
    }

    fn text(&mut self) -> Value {
        json!(self.pick(&TEXTS))
    }

    fn number(&mut self) -> Value {
        serde_json::from_str(self.pick(&NUMBERS)).expect("a number")
    }

    fn permissions(&mut self) -> Value {
        // Groups with nearly everything, with nearly nothing, and between.
        let times = self.pick(&[2, 2, 4, 12]);
        let nearly_all = self.one_in(3);
        json!(PERMISSIONS.iter().filter(|_| self.one_in(times) != nearly_all).collect::<Vec<_>>())
    }

    /// Returns a value that is invalid for most fields.
    fn wrong(&mut self) -> Value {
        match self.roll(12) {
            0 => json!(true),
            1 => json!(7),
            2 => json!("3"),
            3 => json!([]),
            4 => json!({}),
            5 => json!(1.5),
            6 => json!([null]),
            7 => json!(["1", 1]),
            8 => json!([[1]]),
            9 => json!([{ "user_id": "3", "read_groups_id": [1] }]),
            10 => json!([{ "user_id": 3, "read_groups_id": 1 }]),
            _ => json!({ "user_id": 3, "id": 4 }),
        }
    }

    fn objects(&mut self, mut entry: impl FnMut(&mut Self, &mut Map<String, Value>)) -> Value {
        let entries = (0..self.roll(4)).map(|id| {
            let mut object = Map::from_iter([("id".to_owned(), json!(id))]);
            entry(self, &mut object);
            Value::Object(object)
        });
        Value::Array(entries.collect())
    }

    fn put(&mut self, object: &mut Map<String, Value>, field: &str, value: Value) {
        let value = match self.roll(40) {
            0 | 1 => return,
            2 => Value::Null,
            3 => self.wrong(),
            _ => value,
        };
        object.insert(field.to_owned(), value);
    }
}

/// A random element of a collection.
#[must_use]
pub fn element(collection: &str, id: u64, seed: u64) -> Value {
    let dice = &mut Dice::new(seed);
    let mut object = Map::new();
    object.insert("id".to_owned(), if dice.one_in(80) { json!(id + 1) } else { json!(id) });
    for (field, value) in fields(dice, collection, id) {
        dice.put(&mut object, field, value);
    }
    object.insert("title".to_owned(), dice.text());
    object.insert("weight".to_owned(), dice.number());
    Value::Object(object)
}

fn fields(dice: &mut Dice, collection: &str, id: u64) -> Vec<(&'static str, Value)> {
    match collection {
        "agenda/item" => vec![
            ("is_hidden", dice.boolean()),
            ("is_internal", dice.boolean()),
            ("duration", dice.number()),
            ("comment", dice.text()),
        ],
        "agenda/list-of-speakers" => vec![(
            "speakers",
            dice.objects(|dice, speaker| {
                let user = dice.user();
                dice.put(speaker, "user_id", user);
                if dice.one_in(2) {
                    speaker.insert("note".to_owned(), dice.text());
                }
            }),
        )],
        "motions/motion" => motion(dice),
        "motions/motion-block" | "motions/motion-change-recommendation" => vec![("internal", dice.boolean())],
        "motions/motion-comment-section" | "chat/chat-group" | "chat/chat-message" => {
            vec![("read_groups_id", dice.groups()), ("write_groups_id", dice.groups())]
        }
        "mediafiles/mediafile" => {
            let groups = if dice.one_in(2) { dice.boolean() } else { dice.groups() };
            vec![("inherited_access_groups_id", groups)]
        }
        "motions/motion-poll" | "assignments/assignment-poll" => poll(dice),
        "motions/motion-option" | "assignments/assignment-option" => vec![
            ("pollstate", dice.state()),
            ("user_id", dice.user()),
            ("yes", dice.text()),
            ("no", dice.text()),
            ("abstain", dice.number()),
        ],
        "motions/motion-vote" | "assignments/assignment-vote" => vec![
            ("pollstate", dice.state()),
            ("user_id", dice.user()),
            ("delegated_user_id", dice.user()),
            ("user_token", dice.text()),
        ],
        "assignments/assignment" => vec![(
            "assignment_related_users",
            dice.objects(|dice, candidate| {
                let user = dice.user();
                dice.put(candidate, "user_id", user);
            }),
        )],
        "users/user" => user(dice),
        "users/group" => vec![("permissions", dice.permissions())],
        "users/personal-note" => vec![("user_id", dice.user())],
        "core/config" => {
            let index = IDS.iter().position(|known| *known == id).unwrap_or_default();
            let value = if dice.one_in(6) { dice.wrong() } else { dice.boolean() };
            let own = CONFIGS.get(index).copied().unwrap_or("general_event_location");
            vec![("key", json!(if dice.one_in(6) { dice.pick(&CONFIGS) } else { own })), ("value", value)]
        }
        _ => Vec::new(),
    }
}

fn motion(dice: &mut Dice) -> Vec<(&'static str, Value)> {
    const RESTRICTIONS: [&str; 6] = [
        "motions.can_see_internal",
        "motions.can_manage_metadata",
        "motions.can_manage",
        "is_submitter",
        "motions.can_see",
        "unknown",
    ];
    vec![
        ("state_restriction", json!(dice.some(&RESTRICTIONS, 2))),
        (
            "submitters",
            dice.objects(|dice, submitter| {
                let user = dice.user();
                dice.put(submitter, "user_id", user);
            }),
        ),
        ("supporters_id", dice.users()),
        (
            "comments",
            dice.objects(|dice, comment| {
                let groups = dice.groups();
                dice.put(comment, "read_groups_id", groups);
                comment.insert("comment".to_owned(), dice.text());
            }),
        ),
    ]
}

fn poll(dice: &mut Dice) -> Vec<(&'static str, Value)> {
    let is_pseudoanonymized = json!(dice.one_in(3));
    vec![
        ("state", dice.state()),
        ("voted_id", dice.users()),
        ("is_pseudoanonymized", is_pseudoanonymized),
        ("votescast", dice.text()),
        ("votesvalid", dice.text()),
        ("votesinvalid", dice.number()),
        ("amount_global_yes", dice.text()),
        ("amount_global_no", dice.number()),
        ("amount_global_abstain", dice.text()),
    ]
}

fn user(dice: &mut Dice) -> Vec<(&'static str, Value)> {
    vec![
        // Few see everything.
        ("groups_id", if dice.one_in(10) { json!([3, 2]) } else { json!(dice.some(&[1, 3, 4, 200], 2)) }),
        ("vote_delegated_from_users_id", dice.users()),
        ("vote_delegated_to_id", dice.user()),
        ("username", dice.text()),
        ("first_name", dice.text()),
        ("vote_weight", dice.number()),
        ("email", dice.text()),
        ("comment", dice.text()),
        ("is_present", dice.boolean()),
        ("default_password", dice.text()),
    ]
    .into_iter()
    .chain([("last_email_send", dice.text()), ("auth_type", dice.text())])
    .collect()
}

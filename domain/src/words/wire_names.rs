//! How is a closed list of names on the wire written down once? One enum, its names, and the way back.

/// Makes an enum of the names, in the order they are written.
macro_rules! wire_names {
    ($(#[$attribute:meta])* pub enum $list:ident { $($variant:ident = $name:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $list {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl $list {
            /// Every one of them, in their order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one of that name; `None` if this service does not know it.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

//! How is a closed list of wire names written down once? As one enum with its names, and the way back.

/// Defines an enum of the names, in the order in which they are written.
macro_rules! wire_names {
    ($(#[$attribute:meta])* pub enum $list:ident { $($variant:ident = $name:literal,)+ }) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $list {
            $(#[doc = concat!("`", $name, "`")] $variant,)+
        }

        impl $list {
            /// Every one of them, in order.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$variant),+];

            /// Returns the name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Returns the value with that name; `None` if this service does not know it.
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

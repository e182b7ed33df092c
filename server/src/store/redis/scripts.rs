//! Each transition is one script, so that nobody sees half of it. Redis loads one at its first use.

use redis::Script;

macro_rules! scripts {
    ($($name:ident $(after $first:ident)?),* $(,)?) => {
        /// All scripts of the store.
        pub(super) struct Scripts {
            $(pub(super) $name: Script,)*
        }

        impl Scripts {
            pub(super) fn new() -> Self {
                Self { $($name: Script::new(concat!(
                    $(include_str!(concat!("scripts/", stringify!($first), ".lua")),)?
                    include_str!(concat!("scripts/", stringify!($name), ".lua")),
                )),)* }
            }
        }
    };
}

scripts!(adopt, insert after judged, replace, find, scanned, spend after judged, limit after judged, sweep);

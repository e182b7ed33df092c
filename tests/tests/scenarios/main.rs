//! Whole stories, told in a real browser and the real window. Each module is one story; its name is the promise.
//!
//! All of them live below one module, so that `--skip scenarios::` leaves them out of a run of the other tests.

mod scenarios;

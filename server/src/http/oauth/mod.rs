//! The HTTP face of the standard front doors.

mod error;

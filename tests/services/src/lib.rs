//! Real servers that tests start by themselves: each on an address of its own, in a folder of its own, and gone with
//! the test that asked for it. On systems other than Unix there is none of it.

#![cfg(unix)]

pub mod postgres;
pub mod redis;

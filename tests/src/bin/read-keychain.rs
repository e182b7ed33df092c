//! Prints what an account has in the keychain of this session, for tests that look for those bytes elsewhere.

#![expect(clippy::print_stdout, reason = "it prints what it was asked for")]

use anyhow::{Context, Result};
use clap::Parser;

#[derive(Parser)]
struct Options {
    /// Name of the entry: the account's id in the app's file of accounts.
    entry: String,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let store = zbus_secret_service_keyring_store::Store::new().context("no keychain")?;
    keyring_core::set_default_store(store);
    let entry = keyring_core::Entry::new("app.countersign.desktop", &options.entry)?;
    let secret = entry.get_secret().context("the keychain has no such entry")?;
    println!("{}", String::from_utf8(secret).context("the entry is no text")?);
    Ok(())
}

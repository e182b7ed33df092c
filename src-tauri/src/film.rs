//! The program with cameras out of folders, for `cargo xtask bench preview`.

fn main() -> std::process::ExitCode {
    countersign::run()
}

//! Sentences about settings, without the secrets that are quoted in them.

/// Leaves out what looks like a key or a password: a parser quotes the line that it cannot read, and that may be the one
/// with `server_key` or with the address of a database.
pub(super) fn without_secrets(message: &str) -> String {
    without_passwords(&without_keys(&without_client_secrets(message)))
}

/// Leaves out what follows `secret =`, and lines of the file that go on from one before.
fn without_client_secrets(message: &str) -> String {
    let cut = |line: &str| {
        let quoted = line.split_once(" | ").filter(|(number, _)| number.trim().parse::<u32>().is_ok());
        let is_rest = quoted.is_some_and(|(_, text)| !text.contains(['=', '[']));
        let secret = line.find("secret").filter(|at| line[*at..].contains('='));
        match (quoted, secret) {
            (_, Some(at)) => format!("{}secret = ...", &line[..at]),
            (Some((number, _)), None) if is_rest => format!("{number} | ..."),
            (Some(_) | None, None) => line.to_owned(),
        }
    };
    message.split('\n').map(cut).collect::<Vec<_>>().join("\n")
}

/// Leaves out what stands between the scheme of an address and its host, and queries.
fn without_passwords(message: &str) -> String {
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(":/") {
        let (before, from) = rest.split_at(start + 2);
        let end = from.find(|c: char| c.is_whitespace() || c == '"' || c == '\'').unwrap_or(from.len());
        let (address, after) = from.split_at(end);
        let (address, query) =
            address.split_once('?').map_or((address, ""), |(address, _)| (address, "?..."));
        told.push_str(before);
        match address.rsplit_once('@') {
            Some((_, host)) => told.extend(["/...@", host]),
            None => told.push_str(address),
        }
        told.push_str(query);
        rest = after;
    }
    told.push_str(rest);
    told
}

fn without_keys(message: &str) -> String {
    const KEY_LIKE: usize = 16;
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len()));
        told.push_str(before);
        told.push_str(if run.len() < KEY_LIKE { run } else { "..." });
        rest = after;
    }
    told.push_str(rest);
    told
}

#[cfg(test)]
mod tests {
    use crate::config::load::tests::{refused, with_file};

    const SECRET: &str = "Zm9vYmFyIHNlc2FtZSBvcGVuIHVwIHBsZWFzZQ";

    #[test]
    fn a_key_that_cannot_be_read_is_not_told() {
        let key = "a7".repeat(32);
        for line in
            [format!("server_key = \"{key}"), format!("server_key = 0x{key}"), format!("server_key = {key}")]
        {
            let said = with_file(&line).expect_err("this is no key").to_string();
            assert!(said.contains("server.toml") && said.contains("server_key = "), "{said}");
            assert!(!said.contains("a7a7"), "{said}");
        }
        for flag in [format!("{key}=listen"), format!("listen={key}"), format!("relay.guard={key}")] {
            let said = refused(&[&flag]);
            assert!(said.contains("...") && !said.contains("a7a7"), "{said}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_told() {
        for line in [
            "redis = redis://ada:hunter2@localhost",
            "redis = \"redis://:hunter2@localhost",
            "redis = unix:/run/redis.sock?pass=hunter2",
        ] {
            let said = with_file(line).expect_err("this is no TOML").to_string();
            assert!(said.contains("server.toml") && !said.contains("hunter2"), "{said}");
        }
        for wrong in ["http://:hunter2@localhost", "redis://:hunter2@localhost/x"] {
            let said =
                with_file(&format!("redis = \"{wrong}\"")).expect_err("this is no address").to_string();
            assert!(said.contains("redis is") && said.contains("allowed: redis://HOST"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        let shown = refused(&["redis=redis://:hunter2@localhost"]);
        assert!(shown.contains("COUNTERSIGN_REDIS") && !shown.contains("hunter2"), "{shown}");
        let settings = with_file("redis = \"rediss://ada:hunter2@localhost:7000/1\"").unwrap();
        assert!(!format!("{settings:?}").contains("hunter2"));
        assert_eq!(settings.redis.unwrap().to_string(), "rediss://localhost:7000/1");
    }

    #[test]
    fn the_secret_of_a_client_is_not_told() {
        for line in [
            format!("secret = \"{SECRET}"),
            format!("secret = {SECRET}"),
            format!("secret = [\"{SECRET}\"]"),
            format!("secret = \"\"\"\n{SECRET}"),
            format!("secret=\"{SECRET}\" x"),
            format!("secrets = \"{SECRET}\""),
            "secret = 4711471147114711".to_owned(),
        ] {
            let said = with_file(&format!("[[clients]]\nid = \"a\"\n{line}\n")).unwrap_err().to_string();
            assert!(said.contains("server.toml"), "{said}");
            assert!(!said.contains(&SECRET[..12]) && !said.contains("47114711"), "{said}");
        }
        let flag = refused(&[&format!("clients=[{{id=\"a\", secret=\"{SECRET}\"}}]")]);
        assert!(flag.contains("clients add") && !flag.contains(SECRET), "{flag}");
    }
}

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign-server");

/// What a command left behind.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Standard output as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

/// Runs one command to its end.
pub(crate) fn run(data: &Path, args: &[&str]) -> Done {
    run_with_input(data, args, "")
}

/// Runs one command with text on its standard input.
pub(crate) fn run_with_input(data: &Path, args: &[&str], input: &str) -> Done {
    let mut child = command(data).args(args).spawn().unwrap();
    // A command that fails early closes its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let done = child.wait_with_output().unwrap();
    Done {
        code: done.status.code().unwrap_or(-1),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

/// A server that answers; killed when dropped.
pub(crate) struct Running {
    child: Child,
    /// What it said it listens on.
    pub(crate) url: String,
    /// What it said before that, line by line.
    pub(crate) said: Vec<String>,
    out: BufReader<ChildStdout>,
    err: Option<BufReader<ChildStderr>>,
}

impl Running {
    /// Starts `serve` on a free port and waits until it listens.
    pub(crate) fn start(data: &Path, args: &[&str]) -> Self {
        let listen = ["serve", "--listen", "127.0.0.1:0"];
        let mut child = command(data).args(listen).args(args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = child.stderr.take().map(BufReader::new);
        let mut server = Self { child, url: String::new(), said: Vec::new(), out, err };
        loop {
            let mut line = String::new();
            if server.out.read_line(&mut line).unwrap() == 0 {
                let (_, _, log) = server.ended();
                panic!("it did not start: {log}");
            }
            let line = line.trim_end();
            if let Some(url) = line.strip_prefix("listening on ") {
                url.clone_into(&mut server.url);
                return server;
            }
            server.said.push(line.to_owned());
        }
    }

    /// The next line of its log that holds `part`.
    pub(crate) fn logged(&mut self, part: &str) -> String {
        let err = self.err.as_mut().expect("the log is still being read");
        loop {
            let mut line = String::new();
            assert_ne!(err.read_line(&mut line).unwrap(), 0, "it ended without {part}");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends a signal by its name.
    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end: exit code, the rest of its output and of its log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.err.take().unwrap().read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(data: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COUNTERSIGN_")) {
        command.env_remove(name);
    }
    command.arg("--data").arg(data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

//! Redis or Valkey from the system's packages.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Either speaks the same protocol.
const PROGRAMS: [&str; 2] = ["redis-server", "valkey-server"];
/// What [`Redis::guarded`] asks for.
pub const PASSWORD: &str = "open-sesame";
/// How long a server may take to come up; only a failure waits for it.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often another port is tried when somebody took the first.
const TURNS: u32 = 5;

/// Starts the server and waits for the end of its own input, which comes when the test's process is gone, however it went.
/// Then nothing is left: neither the server nor its folder. `$0` is the folder, the rest the command.
const WATCHED: &str = r#"
"$@" & server=$!
echo "started $server"
read -r _
kill -9 "$server" 2>/dev/null
wait "$server" 2>/dev/null
[ -e "$0/kept" ] || rm -rf "$0"
"#;

/// A running Redis or Valkey with nothing in it. It listens on a Unix socket and on a port of 127.0.0.1, and ends with the
/// value or with the process, whichever ends first.
#[derive(Debug)]
pub struct Redis {
    folder: TempDir,
    port: u16,
    persistent: bool,
    guarded: bool,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    shell: Child,
    /// Held open; its end ends the server.
    input: Option<ChildStdin>,
    server: u32,
}

impl Redis {
    /// Starts one that forgets everything when it ends.
    ///
    /// # Errors
    /// A sentence with what to do when neither program is installed; what the server said when it does not come up.
    pub fn start() -> io::Result<Self> {
        Self::begin(false, None)
    }

    /// Starts one that keeps its data in its folder: [`Redis::kill`] and [`Redis::start_again`] lose next to nothing.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn persistent() -> io::Result<Self> {
        Self::begin(true, None)
    }

    /// Starts one that speaks TLS on its port with this certificate and key, PEM, and wants [`PASSWORD`] from everybody.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn guarded(certificate: &str, key: &str) -> io::Result<Self> {
        Self::begin(false, Some((certificate, key)))
    }

    fn begin(persistent: bool, tls: Option<(&str, &str)>) -> io::Result<Self> {
        // A socket's path ends at 108 bytes, so the folder's name is short.
        let folder = tempfile::Builder::new().prefix("rd").tempdir()?;
        if let Some((certificate, key)) = tls {
            fs::write(folder.path().join("certificate.pem"), certificate)?;
            fs::write(folder.path().join("key.pem"), key)?;
        }
        let mut redis = Self { folder, port: 0, persistent, guarded: tls.is_some(), running: None };
        redis.start_again()?;
        Ok(redis)
    }

    /// Starts it at the same addresses, after [`Redis::kill`].
    ///
    /// # Errors
    /// As [`Redis::start`]; when it runs already.
    pub fn start_again(&mut self) -> io::Result<()> {
        if self.running.is_some() {
            return Err(io::Error::other("the Redis of this test runs already"));
        }
        let mut last = None;
        for _ in 0..TURNS {
            let port = if self.port == 0 { free_port()? } else { self.port };
            match self.run(port) {
                Ok(running) => {
                    self.port = port;
                    self.running = Some(running);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("Redis was not tried")))
    }

    /// Ends it at once, as a power cut does. Nothing when it does not run.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            // The shell tidies up behind it and takes the folder along unless it is told not to.
            let keep = fs::write(self.folder.path().join("kept"), "");
            debug_assert!(keep.is_ok(), "the folder is there as long as this value");
            drop(running);
        }
    }

    /// Stops it in its tracks without ending it: connections stay open and nobody answers.
    ///
    /// # Errors
    /// When it does not run or the system refuses.
    pub fn freeze(&self) -> io::Result<()> {
        self.signal("STOP")
    }

    /// Lets it go on after [`Redis::freeze`].
    ///
    /// # Errors
    /// As [`Redis::freeze`].
    pub fn thaw(&self) -> io::Result<()> {
        self.signal("CONT")
    }

    /// Makes it forget everything, without ending it.
    ///
    /// # Errors
    /// What it said instead.
    pub fn flush(&self) -> io::Result<()> {
        self.ask(&["FLUSHALL"]).map(drop)
    }

    /// Address over its Unix socket: `unix:/...`.
    pub fn url(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// Address over its port: `redis://127.0.0.1:PORT`, or `rediss://:PASSWORD@localhost:PORT` for one that is guarded.
    pub fn tcp_url(&self) -> String {
        if self.guarded {
            format!("rediss://:{PASSWORD}@localhost:{}", self.port)
        } else {
            format!("redis://127.0.0.1:{}", self.port)
        }
    }

    /// The port of 127.0.0.1 that it listens on; the same after [`Redis::start_again`].
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the server, for what the system says about it; `None` when it does not run.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|running| running.server)
    }

    /// Sends one command and gives the answer as it came over the wire (RESP2).
    ///
    /// # Errors
    /// What the system or, for an error reply, the server said.
    pub fn ask(&self, command: &[&str]) -> io::Result<String> {
        let mut socket = UnixStream::connect(self.socket())?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let words: String =
            command.iter().flat_map(|word| [format!("${}\r\n", word.len()), format!("{word}\r\n")]).collect();
        let message = format!("*{}\r\n{words}*1\r\n$4\r\nQUIT\r\n", command.len());
        socket.write_all(message.as_bytes())?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let answer = answer.strip_suffix("+OK\r\n").unwrap_or(&answer);
        match answer.strip_prefix('-') {
            Some(error) => Err(io::Error::other(error.trim_end().to_owned())),
            None => Ok(answer.to_owned()),
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("redis.sock")
    }

    fn signal(&self, name: &str) -> io::Result<()> {
        let id = self.id().ok_or_else(|| io::Error::other("the Redis of this test does not run"))?;
        let sent = Command::new("kill").args(["-s", name, "--", &id.to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(io::Error::other(format!("kill -s {name} said {sent}"))) }
    }

    fn run(&self, port: u16) -> io::Result<Running> {
        let folder = self.folder.path();
        let _missing = fs::remove_file(folder.join("kept"));
        let mut command = Command::new("sh");
        command
            .args(["-c", WATCHED])
            .arg(folder)
            .arg(installed()?)
            .args([
                "--bind",
                "127.0.0.1",
                if self.guarded { "--tls-port" } else { "--port" },
                &port.to_string(),
            ])
            .arg("--unixsocket")
            .arg(self.socket())
            .arg("--dir")
            .arg(folder)
            .args(["--save", "", "--appendonly", if self.persistent { "yes" } else { "no" }])
            .args(["--appendfsync", "everysec", "--logfile", "", "--daemonize", "no"]);
        if self.guarded {
            command.args(["--port", "0", "--requirepass", PASSWORD, "--tls-auth-clients", "no"]);
            for (option, file) in [
                ("--tls-cert-file", "certificate.pem"),
                ("--tls-key-file", "key.pem"),
                ("--tls-ca-cert-file", "certificate.pem"),
            ] {
                command.arg(option).arg(folder.join(file));
            }
        }
        let mut shell = command
            .current_dir(Path::new("/"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let input = shell.stdin.take();
        let output = shell.stdout.take().ok_or_else(|| io::Error::other("sh has no output"))?;
        let mut running = Running { shell, input, server: 0 };
        let (say, said) = mpsc::channel();
        // Reads to the end, so that a full pipe never stops the server.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody listens once it is up.
                let _ = say.send(line);
            }
        });
        let mut words = String::new();
        loop {
            let line = said.recv_timeout(PATIENCE).map_err(|_| {
                io::Error::other(format!("Redis did not come up on port {port}; it said: {words}"))
            })?;
            if let Some(id) = line.strip_prefix("started ") {
                running.server = id.trim().parse().map_err(io::Error::other)?;
            }
            if line.contains("Ready to accept connections") {
                break;
            }
            // It has given up; the end of its output comes only with the shell's.
            if line.contains("Failed listening") || line.contains("Fatal") {
                return Err(io::Error::other(format!("Redis did not come up on port {port}: {line}")));
            }
            words.push_str(&line);
            words.push('\n');
        }
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The end of its input tells the shell to end the server; the wait ends with it.
        self.input.take();
        let _status = self.shell.wait();
    }
}

/// The program's name, if there is one.
fn installed() -> io::Result<&'static str> {
    let found = PROGRAMS.into_iter().find(|program| {
        let tried =
            Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    });
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            "neither redis-server nor valkey-server is installed; run `cargo xtask setup`",
        )
    })
}

/// A port that was free a moment ago.
fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn it_forgets_at_its_end_unless_told_to_keep() {
        for (persistent, kept) in [(false, "$-1\r\n"), (true, "$1\r\nv\r\n")] {
            let mut redis = Redis::begin(persistent, None).unwrap();
            redis.ask(&["SET", "k", "v"]).unwrap();
            // An answer comes after the write to the log, which is the system's from there on.
            let (port, first) = (redis.port(), redis.id().unwrap());
            redis.kill();
            assert!(redis.id().is_none() && redis.ask(&["PING"]).is_err());
            redis.start_again().unwrap();
            assert_eq!(redis.port(), port);
            assert_ne!(redis.id().unwrap(), first);
            assert_eq!(redis.ask(&["GET", "k"]).unwrap(), kept, "persistent: {persistent}");
            redis.flush().unwrap();
            assert_eq!(redis.ask(&["GET", "k"]).unwrap(), "$-1\r\n");
        }
    }

    #[test]
    fn nothing_is_left_of_it() {
        let redis = Redis::start().unwrap();
        let (folder, id) = (redis.folder.path().to_owned(), redis.id().unwrap());
        assert!(folder.join("redis.sock").exists());
        drop(redis);
        assert!(!folder.exists());
        let alive =
            Command::new("kill").args(["-0", &id.to_string()]).stderr(Stdio::null()).status().unwrap();
        assert!(!alive.success());
    }

    #[test]
    fn an_error_reply_is_an_error() {
        let redis = Redis::start().unwrap();
        assert!(redis.ask(&["NO-SUCH-COMMAND"]).unwrap_err().to_string().contains("unknown command"));
    }
}

//! The processes of a PostgreSQL server: a shell that keeps it, the user it runs as, and where its programs are.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

/// Reads orders, a word a line, and answers each with `done` or `failed`. `$1`: the folder; `$2`: where the programs
/// are; the rest: what to put before a program so that it runs as the right user.
const KEEPER: &str = r#"
folder=$1; bin=$2; shift 2
# All of it: a process for each connection stands beside the first.
each() {
    first=$(head -n 1 "$folder/data/postmaster.pid") && kill "-$1" "$first" $(cat "/proc/$first/task/$first/children")
}
end() {
    # Whatever is frozen would not hear of it.
    each CONT
    kill "-$1" "$(head -n 1 "$folder/data/postmaster.pid")" && wait "$runner"
}
start() {
    tries=0
    # After a kill the server's children need a moment to let go of its memory.
    while [ "$tries" -lt 100 ]; do
        tries=$((tries + 1))
        rm -f "$folder/ended"
        ( "$@" "$bin/postgres" -D "$folder/data" >>"$folder/log" 2>&1; : >"$folder/ended" ) &
        runner=$!
        while [ ! -e "$folder/ended" ]; do
            "$bin/pg_isready" -q -h "$folder" && return 0
            sleep 0.05
        done
        sleep 0.1
    done
    return 1
}
while read -r order; do
    case $order in
        start) start "$@" ;;
        stop) end INT ;;
        kill) end KILL ;;
        freeze) each STOP ;;
        thaw) each CONT ;;
    esac </dev/null >/dev/null 2>&1
    # A server that was told to end is expected to end with whatever code.
    case $order$? in start0 | freeze0 | thaw0 | stop* | kill*) echo done ;; *) echo failed ;; esac
done
end QUIT >/dev/null 2>&1
rm -rf "$folder"
"#;

/// The shell that starts and ends a server, and outlives the test by as long as that takes.
#[derive(Debug)]
pub(super) struct Keeper {
    process: Child,
    /// `None` once it was told to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// Whom the server runs as.
pub(super) struct Runner {
    /// What to put before a program.
    prefix: Vec<String>,
    /// Owner of the folder, where that is another user.
    pub(super) owner: Option<(u32, u32)>,
}

impl Keeper {
    pub(super) fn spawn(folder: &Path, bin: &Path, port: u16, runner: &Runner) -> Result<Self> {
        let mut process = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .args([folder, bin])
            .args(&runner.prefix)
            .env("PGPORT", port.to_string())
            .current_dir("/")
            // Out of reach of the terminal's Ctrl-C: it ends when the test has.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let orders = process.stdin.take();
        let answers = process.stdout.take().context("the shell has no output")?;
        Ok(Self { process, orders, answers: BufReader::new(answers) })
    }

    /// Gives an order and waits; whether it was done.
    pub(super) fn order(&mut self, order: &str) -> Result<bool> {
        let orders = self.orders.as_mut().context("the server is gone")?;
        writeln!(orders, "{order}").context("the server is gone")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer.trim() == "done")
    }
}

impl Runner {
    /// This user; for root, whom PostgreSQL refuses, the user of the system's package.
    pub(super) fn find() -> Result<Self> {
        if id(&["-u"])? != 0 {
            return Ok(Self { prefix: Vec::new(), owner: None });
        }
        let advice = "PostgreSQL does not run as root, and there is no user postgres to run it as; run: cargo xtask \
                      setup";
        let (user, group) =
            (id(&["-u", "postgres"]).context(advice)?, id(&["-g", "postgres"]).context(advice)?);
        let prefix =
            ["setpriv", "--reuid", &user.to_string(), "--regid", &group.to_string(), "--clear-groups"];
        Ok(Self { prefix: prefix.map(str::to_owned).to_vec(), owner: Some((user, group)) })
    }

    /// Runs a program as that user.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = match self.prefix.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        };
        command.current_dir("/");
        command
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.orders = None;
        // It ends by itself and cleans up, whoever waits.
        let _ = self.process.wait();
    }
}

fn id(args: &[&str]) -> Result<u32> {
    let output = Command::new("id").args(args).output()?;
    ensure!(output.status.success(), "id {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The newest version where Debian keeps them, else the one in PATH.
pub(super) fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").is_file())
        .max();
    if let Some((_, bin)) = newest {
        return Ok(bin);
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .find(|bin| bin.join("initdb").is_file() && bin.join("postgres").is_file())
        .context("PostgreSQL is not installed; run: cargo xtask setup")
}

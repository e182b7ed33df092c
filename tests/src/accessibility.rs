//! What axe-core finds in a window.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::driver::Driver;
use crate::programs;

#[derive(Debug, Deserialize)]
struct Finding {
    id: String,
    help: String,
    nodes: Vec<String>,
}

/// Checks what the window shows against WCAG 2.2 AA and axe-core's best practices.
///
/// # Errors
/// Names every rule that is broken and where.
pub async fn check(what: &str, driver: &Driver) -> Result<()> {
    driver.settled().await?;
    let axe = programs::repo().join("ui/node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(&axe)
        .with_context(|| format!("{} is missing; run: cargo xtask setup", axe.display()))?;
    let script = "const done = arguments[arguments.length - 1]; \
                  axe.run(document, { resultTypes: ['violations'] }).then( \
                  (found) => done(found.violations.map(({ id, help, nodes }) => \
                  ({ id, help, nodes: nodes.map((node) => node.target.join(' ')) }))), \
                  (error) => done([{ id: 'axe-core', help: String(error), nodes: [] }]));";
    let found = driver.window().execute_async(format!("{axe};\n{script}"), Vec::new()).await;
    let found: Vec<Finding> = found.context("axe-core does not run")?.convert()?;
    let list: Vec<String> = found
        .iter()
        .map(|finding| format!("{} ({}) at {}", finding.id, finding.help, finding.nodes.join(", ")))
        .collect();
    ensure!(list.is_empty(), "{what}: {}", list.join("; "));
    Ok(())
}

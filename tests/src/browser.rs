//! A real Chromium with a profile of its own.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::Result;
use serde_json::json;

use crate::desktop::Desktop;
use crate::driver::Driver;
use crate::page::LoginPage;
use crate::process::Program;
use crate::programs;
use crate::stage::Stage;

/// One browser profile in one window.
#[derive(Debug, Clone)]
pub struct Browser {
    driver: Arc<Driver>,
}

/// How a browser looks and where.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// A window on this computer's display; without it there is no window at all.
    pub on: Option<Desktop>,
    /// Width and height in pixels; 1000 by 800 without it.
    pub size: Option<(u32, u32)>,
    /// Where the window starts, in pixels from the left.
    pub left: u32,
    /// The person wants no motion; spares a slow machine its animations.
    pub calm: bool,
    /// Pages may open the camera without asking.
    pub camera: bool,
    /// SHA-256 of a public key (SPKI) in base64: a certificate with it is trusted, as after a person's exception.
    pub trusted_key: Option<String>,
    /// Host names that lead to this machine, for what only a name shows.
    pub names: Vec<String>,
    /// What its person reads, as in `de`; English without it.
    pub language: Option<String>,
}

impl Browser {
    /// Starts one without a window.
    ///
    /// # Errors
    /// When Chromium or its driver is missing or does not start.
    pub async fn start(stage: &Stage, name: &str) -> Result<Self> {
        Self::with_look(stage, name, &Look::default()).await
    }

    /// Starts one that looks so.
    ///
    /// # Errors
    /// When Chromium or its driver is missing or does not start.
    pub async fn with_look(stage: &Stage, name: &str, look: &Look) -> Result<Self> {
        let (program, port) = driver(stage, name, look).await?;
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": chromium()?, "args": arguments(look, &stage.folder(name)?.join("profile")) },
        });
        let driver = Arc::new(Driver::open(program, port, capabilities).await?);
        stage.watch(name, &driver);
        Ok(Self { driver })
    }

    /// Opens an address in the current tab and takes it for a login page.
    ///
    /// # Errors
    /// When the address does not load.
    pub async fn open(&self, url: &str) -> Result<LoginPage> {
        self.driver.window().goto(url).await?;
        Ok(LoginPage::new(Arc::clone(&self.driver)))
    }

    /// Opens an address in another tab and goes there.
    ///
    /// # Errors
    /// When the tab or the address does not open.
    pub async fn open_tab(&self, url: &str) -> Result<Tab> {
        let handle = self.driver.window().new_tab().await?;
        self.driver.window().switch_to_window(handle.clone()).await?;
        self.driver.window().goto(url).await?;
        Ok(Tab(handle))
    }

    /// The tab that is shown.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn tab(&self) -> Result<Tab> {
        Ok(Tab(self.driver.window().window().await?))
    }

    /// Goes to another tab.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn show(&self, tab: &Tab) -> Result<()> {
        Ok(self.driver.window().switch_to_window(tab.0.clone()).await?)
    }

    /// Gives the page exactly this many pixels.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.driver.window().cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await?;
        Ok(())
    }

    /// The person prefers dark colours, or light ones.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn prefer_dark(&self, dark: bool) -> Result<()> {
        let scheme = json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        self.driver
            .window()
            .cdp()
            .send_raw("Emulation.setEmulatedMedia", json!({ "features": [scheme] }))
            .await?;
        Ok(())
    }

    /// The window, for what only a test looks at.
    pub fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }
}

/// Names one tab.
#[derive(Debug, Clone)]
pub struct Tab(thirtyfour::WindowHandle);

/// A driver and its port. It takes a free one for IPv4 and then wants the same for IPv6, which somebody else may have: it
/// ends then, and the next one is luckier.
async fn driver(stage: &Stage, name: &str, look: &Look) -> Result<(Program, u16)> {
    let mut tries = 0;
    loop {
        let mut command = Command::new(programs::installed(&["chromedriver"])?);
        // Not the person's own settings and caches.
        command.arg("--port=0").env("HOME", stage.folder(name)?).env("LANG", "C.UTF-8");
        match &look.on {
            Some(desktop) => command.env("DISPLAY", desktop.display()),
            None => command.env_remove("DISPLAY"),
        };
        command.env_remove("WAYLAND_DISPLAY");
        let mut program = Program::start(&format!("{name}-driver"), &mut command, &stage.logs())?;
        tries += 1;
        match program.line(port_in).await {
            Ok(port) => return Ok((program, port)),
            Err(error) if tries < 10 && error.to_string().contains("Address already in use") => {}
            Err(error) => return Err(error),
        }
    }
}

fn chromium() -> Result<PathBuf> {
    programs::installed(&["chromium", "google-chrome", "chromium-browser"])
}

fn arguments(look: &Look, profile: &std::path::Path) -> Vec<String> {
    let (width, height) = look.size.unwrap_or((1000, 800));
    let mut arguments: Vec<String> = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]
    .map(str::to_owned)
    .to_vec();
    let language = look.language.as_deref().unwrap_or("en-US");
    arguments.extend([format!("--lang={language}"), format!("--accept-lang={language}")]);
    arguments.push(format!("--user-data-dir={}", profile.display()));
    arguments.push(format!("--window-size={width},{height}"));
    arguments.push(match look.on {
        Some(_) => format!("--window-position={},0", look.left),
        None => "--headless".to_owned(),
    });
    if look.calm {
        arguments.push("--force-prefers-reduced-motion".to_owned());
    }
    if look.camera {
        arguments.push("--use-fake-ui-for-media-stream".to_owned());
    }
    if let Some(key) = &look.trusted_key {
        arguments.push(format!("--ignore-certificate-errors-spki-list={key}"));
    }
    if !look.names.is_empty() {
        let rules: Vec<String> = look.names.iter().map(|name| format!("MAP {name} 127.0.0.1")).collect();
        arguments.push(format!("--host-resolver-rules={}", rules.join(",")));
    }
    arguments
}

fn port_in(line: &str) -> Option<u16> {
    let (_, rest) = line.split_once("started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

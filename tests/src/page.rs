//! The login page, acted on as a person would. Its hooks are listed in server/web/README.md.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use crate::driver::Driver;
use crate::patience;

/// The login page in a browser's current tab.
#[derive(Debug, Clone)]
pub struct LoginPage {
    driver: Arc<Driver>,
}

impl LoginPage {
    /// The page in that window.
    pub fn new(driver: Arc<Driver>) -> Self {
        Self { driver }
    }

    /// The window.
    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// `data-state` of the page, empty while it loads.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn state(&self) -> Result<String> {
        self.data("state").await
    }

    /// Waits for a state.
    ///
    /// # Errors
    /// When the limit is over first.
    pub async fn until(&self, state: &str) -> Result<()> {
        patience::until_is("the page", state.to_owned(), async || self.state().await).await
    }

    /// `data-reason`: why a login ended.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn reason(&self) -> Result<String> {
        self.data("reason").await
    }

    /// `data-connection`: how the page hears of changes.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn connection(&self) -> Result<String> {
        self.data("connection").await
    }

    async fn data(&self, name: &str) -> Result<String> {
        self.driver.read(&format!("return document.querySelector('main')?.dataset.{name} ?? ''")).await
    }

    /// A picture of the whole page while it shows a code, as somebody would send it to themselves.
    ///
    /// # Errors
    /// When no code is shown within the limit.
    pub async fn picture_of_code(&self, folder: &Path) -> Result<PathBuf> {
        self.until("waiting").await?;
        patience::until("the code to be drawn", async || {
            let drawn = "const code = document.getElementById('qr'); \
                         const image = code?.matches('img') ? code : code?.querySelector('img'); \
                         return Boolean(image?.complete && image.naturalWidth > 0)";
            Ok(self.driver.read::<bool>(drawn).await?.then_some(()))
        })
        .await?;
        let path = folder.join("login-page.png");
        self.driver.picture(&path).await?;
        Ok(path)
    }

    /// The number that the person types on the authenticator.
    ///
    /// # Errors
    /// When the page shows none within the limit.
    pub async fn number(&self) -> Result<String> {
        self.until("scanned").await?;
        let text = self.driver.text("#check-number").await?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        anyhow::ensure!(digits.len() == 2, "the number is {text:?}");
        Ok(digits)
    }

    /// Asks for a code to type and returns it.
    ///
    /// # Errors
    /// When the page shows none within the limit.
    pub async fn code_to_type(&self) -> Result<String> {
        self.until("waiting").await?;
        self.click("type-code").await?;
        self.until("code").await?;
        self.driver.text("#user-code").await
    }

    /// Clicks the element with this id.
    ///
    /// # Errors
    /// When it cannot be clicked within the limit.
    pub async fn click(&self, id: &str) -> Result<()> {
        self.driver.click(&format!("#{id}")).await
    }

    /// Waits until the page is signed in, follows "Continue" when the page asks first, and returns the name it shows.
    ///
    /// # Errors
    /// When it is not signed in within the limit.
    pub async fn signed_in_as(&self) -> Result<String> {
        patience::until("the page to be signed in", async || {
            let state = self.state().await?;
            anyhow::ensure!(matches!(state.as_str(), "confirm" | "signed-in"), "it is {state:?}");
            Ok(Some(()))
        })
        .await?;
        self.driver.text("#who").await
    }

    /// Reloads the page, as F5 does.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn reload(&self) -> Result<()> {
        self.driver.window().refresh().await.context("the page does not reload")
    }
}

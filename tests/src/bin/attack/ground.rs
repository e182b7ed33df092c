//! What an attack stands on: a server, an address of its own, accounts of its own.
//!
//! Every address in 127/8 is loopback, so each attack calls from its own and the limits per address of one attack do
//! not disturb another.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use anyhow::{Context, Result};
use tokio::sync::Mutex;

use crate::client::{Device, Hand, Http, Page, Raw, Scan, Site};
use crate::server::Server;

static ADDRESSES: AtomicU32 = AtomicU32::new(0);
static NAMES: AtomicU32 = AtomicU32::new(0);

/// Where an attack happens.
#[derive(Clone)]
pub(crate) struct Ground {
    place: Place,
    from: Option<IpAddr>,
    http: Http,
}

#[derive(Clone)]
enum Place {
    /// A server that was started here.
    Own(Arc<Server>),
    /// Somebody's deployment, attacked with the owner's account.
    Foreign(Arc<Owner>),
}

struct Owner {
    device: Device,
    /// Devices that attacks enrolled, to be removed again.
    made: Mutex<Vec<Device>>,
}

/// An address of 127/8 that nobody here used before.
fn fresh_address() -> IpAddr {
    let number = ADDRESSES.fetch_add(1, Ordering::Relaxed) + 0x0001_0001;
    IpAddr::V4(Ipv4Addr::from(0x7F00_0000 | (number & 0x00FF_FFFF)))
}

impl Ground {
    /// On a server that runs here.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(crate) fn own(server: &Arc<Server>) -> Result<Self> {
        let from = Some(fresh_address());
        let base = format!("http://{}", server.address());
        // A public origin is reached as through a proxy, without its TLS; one with our own port has TLS of its own.
        let own = server.origin().starts_with("https://127.0.0.1:");
        let mut http = Http::new(if own { server.origin() } else { &base }, server.origin(), from)?;
        if server.hand().is_ok() {
            http = http.with_fresh_nonces();
        }
        Ok(Self { place: Place::Own(Arc::clone(server)), from, http })
    }

    /// On a deployment that its owner named, with a link for one of his accounts.
    ///
    /// # Errors
    /// When it does not take the link.
    pub(crate) async fn foreign(url: &str, link: &str) -> Result<Self> {
        let url = url.trim_end_matches('/');
        let http = Http::new(url, url, None)?;
        let device = Device::enrol_named(&http, link, "Attack suite").await?;
        let owner = Owner { device, made: Mutex::default() };
        Ok(Self { place: Place::Foreign(Arc::new(owner)), from: None, http })
    }

    /// A server of this attack's own with settings, as environment variables without `COUNTERSIGN_`.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn with(settings: &[(&str, &str)]) -> Result<Self> {
        Self::own(&Arc::new(Server::start(settings).await?))
    }

    /// A server of this attack's own whose time stands still until [`Ground::hand`] moves it.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) async fn standing(settings: &[(&str, &str)]) -> Result<Self> {
        Self::own(&Arc::new(Server::start_standing(settings).await?))
    }

    /// What moves the time of such a server.
    ///
    /// # Errors
    /// When the server goes by the system's clock.
    pub(crate) fn hand(&self) -> Result<&Hand> {
        self.server()?.hand()
    }

    /// The same server from another address.
    ///
    /// # Errors
    /// When the client cannot be made.
    pub(crate) fn elsewhere(&self) -> Result<Self> {
        match &self.place {
            Place::Own(server) => Self::own(server),
            Place::Foreign(_) => {
                let http = Http::new(self.http.base(), self.http.origin(), None)?;
                Ok(Self { place: self.place.clone(), from: None, http })
            }
        }
    }

    /// Calls from this attack's address.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// This attack's address.
    pub(crate) fn from(&self) -> Option<IpAddr> {
        self.from
    }

    /// The server process, for attacks that need its files, log or commands.
    ///
    /// # Errors
    /// When it runs elsewhere.
    pub(crate) fn server(&self) -> Result<&Server> {
        match &self.place {
            Place::Own(server) => Ok(server),
            Place::Foreign(_) => anyhow::bail!("this attack needs a server that it starts itself"),
        }
    }

    /// A bare connection from this attack's address.
    ///
    /// # Errors
    /// When the server does not take it.
    pub(crate) async fn raw(&self) -> Result<Raw> {
        Raw::connect(self.server()?.address(), self.from).await
    }

    /// A link that enrols a device: of a fresh account, or of the owner's account elsewhere.
    ///
    /// # Errors
    /// When the server gives none.
    pub(crate) async fn link(&self) -> Result<String> {
        match &self.place {
            Place::Own(server) => server.add_account(&fresh_name()).await,
            Place::Foreign(owner) => owner.device.enrolment().await,
        }
    }

    /// An enrolled device: of a fresh account, or another one of the owner's account elsewhere.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn device(&self) -> Result<Device> {
        let device = Device::enrol(&self.http, &self.link().await?).await?;
        if let Place::Foreign(owner) = &self.place {
            owner.made.lock().await.push(device.clone());
        }
        Ok(device)
    }

    /// One more device of the same account.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn second_device(&self, first: &Device) -> Result<Device> {
        let device = Device::enrol(&self.http, &first.enrolment().await?).await?;
        if let Place::Foreign(owner) = &self.place {
            owner.made.lock().await.push(device.clone());
        }
        Ok(device)
    }

    /// A page that waits.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn page(&self) -> Result<Page> {
        Page::start(&self.http).await
    }

    /// A page that a device of a fresh account has scanned.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn scanned(&self) -> Result<(Page, Device, Scan)> {
        let (page, device) = (self.page().await?, self.device().await?);
        let scan = device.take(&page).await?;
        Ok((page, device, scan))
    }

    /// A page that a device of a fresh account has approved.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn approved(&self) -> Result<(Page, Device, Scan)> {
        let (page, device) = (self.page().await?, self.device().await?);
        let scan = device.approve(&page).await?;
        Ok((page, device, scan))
    }

    /// A page that is signed in, and the device that approved it.
    ///
    /// # Errors
    /// When the server refuses.
    pub(crate) async fn signed_in(&self) -> Result<(Page, Device)> {
        let (mut page, device, _) = self.approved().await?;
        page.sign_in().await.context("the approved page was not signed in")?;
        Ok((page, device))
    }

    /// A client that the operator registers, with a secret unless `more` says otherwise: arguments of `clients add`.
    ///
    /// # Errors
    /// When the server runs elsewhere or refuses.
    pub(crate) async fn site(&self, more: &[&str]) -> Result<Site> {
        let id = fresh_name();
        let redirect_uri = format!("https://{id}.example/callback");
        self.site_at(&id, &redirect_uri, more).await
    }

    /// The same with an address of its own.
    ///
    /// # Errors
    /// As [`Ground::site`].
    pub(crate) async fn site_at(&self, id: &str, redirect_uri: &str, more: &[&str]) -> Result<Site> {
        let args = [&["clients", "add", id, "--id", id, "--redirect", redirect_uri][..], more].concat();
        Site::read(&self.http, &self.server()?.operate(&args).await?, redirect_uri)
    }

    /// Removes the devices that attacks enrolled on somebody's deployment.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn tidy(&self) -> Result<()> {
        if let Place::Foreign(owner) = &self.place {
            for device in owner.made.lock().await.drain(..) {
                // It may be gone already: some attacks remove devices.
                device.delete(&format!("/api/devices/{}", device.id)).await?;
            }
        }
        Ok(())
    }

    /// Removes the owner's own device, at the very end.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn leave(&self) -> Result<()> {
        self.tidy().await?;
        if let Place::Foreign(owner) = &self.place {
            owner.device.delete(&format!("/api/devices/{}", owner.device.id)).await?;
        }
        Ok(())
    }
}

/// A user name that nobody here used before.
pub(crate) fn fresh_name() -> String {
    format!("user-{}", NAMES.fetch_add(1, Ordering::Relaxed))
}

/// Seconds that the server last asked to wait (429), for runs against a deployment whose limits count us as one.
pub(crate) static ASKED_TO_WAIT_S: AtomicU64 = AtomicU64::new(0);

use protocol::encoding::base64url;
use protocol::key::Thumbprint;
use protocol::secret::sha256;

/// The names under which everything lies. The part in braces keeps all of it in one slot, since scripts touch several
/// keys at once: a Redis Cluster would hold everything on one of its nodes, and connecting to one is not supported.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
    database: i64,
}

impl Keys {
    pub(super) fn new(name: &str) -> Self {
        Self { prefix: format!("{{{name}}}:"), database: 0 }
    }

    /// Channels are shared by all databases of a server, so their name tells them apart.
    pub(super) fn in_database(self, database: i64) -> Self {
        Self { database, ..self }
    }

    /// What each key begins with; scripts make names of it.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Where changes are told.
    pub(super) fn channel(&self) -> String {
        format!("{}changes:{}", self.prefix, self.database)
    }

    /// Run of the server and id of the store.
    pub(super) fn store(&self) -> String {
        self.named("store")
    }

    /// The names of the nodes that are there.
    pub(super) fn nodes(&self) -> String {
        self.named("nodes")
    }

    /// Fingerprint of the node of this name.
    pub(super) fn node(&self, name: &str) -> String {
        self.of("node", name)
    }

    /// Open requests, by when they end.
    pub(super) fn open(&self) -> String {
        self.named("open")
    }

    /// All requests, by when they are forgotten.
    pub(super) fn forgotten(&self) -> String {
        self.named("forgotten")
    }

    /// A request by its id.
    pub(super) fn request(&self, id: impl std::fmt::Display) -> String {
        self.of("request", id)
    }

    /// What leads to a request: `handle`, `code` or `ticket`.
    pub(super) fn leading(&self, kind: &str, name: impl std::fmt::Display) -> String {
        self.of(kind, name)
    }

    /// Open requests of a client, by when they end.
    pub(super) fn client(&self, client: &str) -> String {
        self.of("client", client)
    }

    /// Requests that an account has locked.
    pub(super) fn account(&self, account: impl std::fmt::Display) -> String {
        self.of("account", account)
    }

    /// Hits of one kind by one party.
    pub(super) fn hits(&self, key: &str) -> String {
        self.of("hits", key)
    }

    /// A proof, as 128 bits of a hash: the thumbprint has a fixed length, so no two pairs give the same bytes.
    pub(super) fn proof(&self, key: &Thumbprint, jti: &str) -> String {
        let hash = sha256(&[key.as_bytes(), jti.as_bytes()].concat());
        self.of("proof", base64url(&hash[..16]))
    }

    fn named(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn of(&self, kind: &str, name: impl std::fmt::Display) -> String {
        format!("{}{kind}:{name}", self.prefix)
    }
}

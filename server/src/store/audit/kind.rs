/// What an entry records.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What an audit entry records, a word each. Words are never renamed: hashes cover them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum AuditKind {
            $($(#[$doc])* $name,)*
        }

        impl AuditKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

kinds! {
    /// An account was made.
    AccountCreated = "account_created";
    /// An account may act again.
    AccountEnabled = "account_enabled";
    /// An account may not act any more; its sessions ended.
    AccountDisabled = "account_disabled";
    /// An account is gone; its chain ends here.
    AccountRemoved = "account_removed";
    /// The password was set or taken away.
    PasswordChanged = "password_changed";
    /// What clients are told of the account was changed.
    AccountChanged = "account_changed";
    /// An enrolment link was made.
    EnrolmentCreated = "enrolment_created";
    /// A device is trusted.
    DeviceEnrolled = "device_enrolled";
    /// Recovery codes were made; those before them are void.
    RecoveryCodesMade = "recovery_codes_made";
    /// A device has another name.
    DeviceRenamed = "device_renamed";
    /// A device is not trusted any more.
    DeviceRemoved = "device_removed";
    /// A person approved a sign-in.
    SignInApproved = "sign_in_approved";
    /// A person denied one.
    SignInDenied = "sign_in_denied";
    /// A person said "This wasn't me".
    SignInReported = "sign_in_reported";
    /// The server ended one: wrong numbers, or the network rule.
    SignInRefused = "sign_in_refused";
    /// A browser is signed in.
    SignedIn = "signed_in";
    /// A browser signed out.
    SignedOut = "signed_out";
    /// A browser said "Not me".
    SessionReported = "session_reported";
    /// A session was ended by an authenticator or the operator.
    SessionEnded = "session_ended";
    /// A session ended because the same browser signed in again.
    SessionReplaced = "session_replaced";
    /// A session ended because it was idle or old.
    SessionExpired = "session_expired";
    /// All sessions were ended.
    SessionsEnded = "sessions_ended";
    /// A client got a grant, for the first time since its session began.
    ClientAuthorized = "client_authorized";
    /// A grant of a client ended, its session going on.
    GrantEnded = "grant_ended";
    /// The heads of all chains that changed.
    Anchor = "anchor";
}

impl AuditKind {
    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

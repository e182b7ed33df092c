use super::body::{BY_RECOVERY, Body, DeviceRef};
use super::kind::AuditKind;

/// Says in one English sentence what an entry records. The apps write their own from kind and body; this one is for
/// whoever reads the raw answer or a file.
pub(super) fn of(kind: &str, body: &Body) -> String {
    let Some(kind) = AuditKind::parse(kind) else {
        return format!("Something happened that this version has no words for: {kind}.");
    };
    let who = name(body.device.as_ref());
    let subject = name(body.subject.as_ref());
    let browser = browser(body);
    let client = body.client.as_ref().map_or("A site", |client| client.name.as_str());
    match kind {
        AuditKind::AccountCreated => "The account was created.".to_owned(),
        AuditKind::AccountEnabled => "The account was enabled.".to_owned(),
        AuditKind::AccountDisabled => "The account was disabled and signed out everywhere.".to_owned(),
        AuditKind::AccountRemoved => "The account was removed.".to_owned(),
        AuditKind::PasswordChanged => "The password was changed.".to_owned(),
        AuditKind::AccountChanged => "What sites are told of the account was changed.".to_owned(),
        AuditKind::EnrolmentCreated if body.operator => {
            "The operator made a link to trust another device.".to_owned()
        }
        AuditKind::EnrolmentCreated => format!("{who} made a link to trust another device."),
        AuditKind::DeviceEnrolled if body.by.as_deref() == Some(BY_RECOVERY) => {
            format!("{who} is trusted, added with a recovery code.")
        }
        AuditKind::RecoveryCodesMade => format!("{who} made new recovery codes."),
        AuditKind::DeviceEnrolled => format!("{who} is trusted."),
        AuditKind::DeviceRenamed => format!("A device is called {subject} instead."),
        AuditKind::DeviceRemoved => format!("{subject} is not trusted any more."),
        AuditKind::SignInApproved => format!("{who} approved a sign-in{browser}."),
        AuditKind::SignInDenied => format!("{who} denied a sign-in{browser}."),
        AuditKind::SignInReported => format!("{who} reported a sign-in that nobody here started{browser}."),
        AuditKind::SignInRefused => match body.reason.as_deref() {
            Some("check") => format!("A sign-in ended after three wrong numbers on {who}{browser}."),
            Some("network") => format!("A sign-in was refused, {who} is not on its network{browser}."),
            _ => format!("A sign-in was refused{browser}."),
        },
        AuditKind::SignedIn => format!("A browser signed in, approved by {who}{browser}."),
        AuditKind::SignedOut => format!("A browser signed out{browser}."),
        AuditKind::SessionReported => format!("A browser was signed out with \"Not me\"{browser}."),
        AuditKind::SessionEnded if body.operator => format!("The operator signed a browser out{browser}."),
        AuditKind::SessionEnded if body.device.is_none() => {
            format!("A session ended, its sign-in had been called off{browser}.")
        }
        AuditKind::SessionEnded => format!("{who} signed a browser out{browser}."),
        AuditKind::SessionReplaced => {
            format!("An older session ended, its browser signed in again{browser}.")
        }
        AuditKind::SessionExpired => format!("A session ended, it was unused or too old{browser}."),
        AuditKind::SessionsEnded => format!("Signed out everywhere: {}.", count(body.count.unwrap_or(0))),
        AuditKind::ClientAuthorized => format!("{client} may see who is signed in."),
        AuditKind::GrantEnded => match body.reason.as_deref() {
            Some("code_reused" | "refresh_reused") => {
                format!("The access of {client} ended, something of it was used twice.")
            }
            _ => format!("The access of {client} ended."),
        },
        AuditKind::Anchor => "The heads of all chains that changed.".to_owned(),
    }
}

fn name(device: Option<&DeviceRef>) -> &str {
    device.map_or("A device", |device| device.name.as_str())
}

fn browser(body: &Body) -> String {
    let claimed = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    match (claimed(&body.browser), claimed(&body.system)) {
        (Some(browser), Some(system)) => format!(": {browser} on {system}"),
        (Some(browser), None) => format!(": {browser}"),
        (None, Some(system)) => format!(": {system}"),
        (None, None) => String::new(),
    }
}

fn count(sessions: u64) -> String {
    if sessions == 1 { "1 session".to_owned() } else { format!("{sessions} sessions") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_ended_a_session_is_named() {
        let desk = DeviceRef { id: protocol::id::DeviceId::from_random([1; 16]), name: "Desk".to_owned() };
        for (body, said) in [
            (Body { device: Some(desk), ..Body::default() }, "Desk signed a browser out."),
            (Body { operator: true, ..Body::default() }, "The operator signed a browser out."),
            (Body::default(), "A session ended, its sign-in had been called off."),
        ] {
            assert_eq!(of(AuditKind::SessionEnded.as_str(), &body), said);
        }
    }
}

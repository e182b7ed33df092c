//! The system's notifications.

use authenticator::Handle;
use authenticator::ports::{Notification, Notifier};
use authenticator::view::Language;
use tauri::{AppHandle, Manager};
use tauri_plugin_notification::NotificationExt;

use crate::app::is_german;

/// Shows notifications through the system.
#[derive(Debug)]
pub(crate) struct SystemNotifier(pub(crate) AppHandle);

impl Notifier for SystemNotifier {
    fn notify(&self, notification: Notification) {
        let language = self
            .0
            .try_state::<Handle>()
            .map_or(Language::System, |authenticator| authenticator.view().borrow().settings.language);
        let (title, body) = words(&notification, is_german(language));
        if let Err(error) = self.0.notification().builder().title(title).body(body).show() {
            tracing::warn!(error = %error, "A notification could not be shown");
        }
    }
}

fn words(notification: &Notification, german: bool) -> (String, String) {
    match notification {
        Notification::NewSignIn { host, summary } => {
            let title =
                if german { format!("Neue Anmeldung bei {host}") } else { format!("New sign-in to {host}") };
            (title, not_you(summary, german))
        }
        Notification::ManyNew { host, count } if german => {
            (format!("Neues bei {host}"), format!("{count} Anmeldungen und Geräte. Näheres im Verlauf."))
        }
        Notification::ManyNew { host, count } => {
            (format!("News of {host}"), format!("{count} sign-ins and devices. See the activity."))
        }
        Notification::DeviceAdded { host, summary } => {
            let title =
                if german { format!("Neues Gerät bei {host}") } else { format!("New device on {host}") };
            (title, not_you(summary, german))
        }
        Notification::RecoveryCodesMade { host, summary } => {
            let title = if german {
                format!("Neue Wiederherstellungscodes bei {host}")
            } else {
                format!("New recovery codes on {host}")
            };
            (title, not_you(summary, german))
        }
        Notification::ActivityRewritten { host } if german => (
            format!("Das Protokoll von {host} wurde geändert"),
            "Es passt nicht zu dem, was diese App vorher sah. Näheres im Verlauf.".to_owned(),
        ),
        Notification::ActivityRewritten { host } => (
            format!("The log of {host} was changed"),
            "It does not match what this app saw before. See the activity.".to_owned(),
        ),
    }
}

/// What happened, and what to do where it should not have.
fn not_you(summary: &str, german: bool) -> String {
    let next = if german { "Nicht gewollt? Countersign öffnen." } else { "Not you? Open Countersign." };
    format!("{summary} {next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_the_server_in_the_chosen_language() {
        let told = Notification::NewSignIn { host: "a.example".to_owned(), summary: "Firefox".to_owned() };
        assert_eq!(words(&told, false).0, "New sign-in to a.example");
        assert_eq!(words(&told, true).0, "Neue Anmeldung bei a.example");
    }
}

//! What every store must do, whatever it is made of. One suite for each kind, run for each implementation.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod durable;
mod durable_audit;
mod durable_clients;
mod durable_devices;
mod durable_grants;
mod durable_logouts;
mod durable_races;
mod durable_recovery;
mod durable_sessions;
mod short_lived;
pub(super) mod world;

/// Runs a list of checks on a fresh store each.
macro_rules! run_on {
    ($fresh:expr; $($module:ident :: { $($check:ident),* $(,)? })*) => {
        $($(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $check() {
                let (store, _keep) = $fresh.await;
                crate::store::conformance::$module::$check(store).await;
            }
        )*)*
    };
}

macro_rules! durable_suite {
    ($fresh:expr) => {
        run_on! { $fresh;
            durable::{
                a_name_is_taken_once,
                accounts_are_found_by_id_and_name,
                a_disabled_account_is_signed_out_and_refused_everywhere,
                a_removed_account_leaves_only_its_chain,
                a_password_can_be_set_and_taken_away,
                it_answers_a_ping,
                it_knows_its_newest_moment,
            }
            durable_devices::{
                a_link_enrols_once,
                a_link_ends,
                the_same_key_repeats_for_ten_minutes,
                a_link_ends_with_the_device_that_made_it,
                a_password_enrols_the_first_device_only,
                a_password_that_changed_since_is_refused,
                the_rule_decides_about_passwords,
                there_is_room_for_so_many_devices,
                a_removed_device_is_refused_and_takes_its_sessions_along,
                a_device_can_be_renamed_by_its_account_only,
                use_is_noted_by_the_minute,
            }
            durable_sessions::{
                an_approval_is_redeemed_once,
                a_decision_is_final,
                a_redeem_needs_an_approval_of_this_very_request,
                an_approval_is_good_for_less_than_a_minute,
                a_repeat_ends_with_the_minute_and_with_the_session,
                an_approval_can_be_taken_back_before_it_is_redeemed,
                another_page_cannot_repeat_a_redeem,
                a_token_ends_at_its_second,
                the_previous_token_stays_good_for_a_minute,
                the_previous_token_never_outlives_itself,
                only_the_bound_key_refreshes,
                a_session_ends_idle_and_old,
                an_older_session_of_the_same_page_key_ends,
                a_linked_session_ends_with_its_device_and_an_independent_one_does_not,
                sessions_are_listed_newest_first_while_they_live,
                a_browser_is_known_by_its_key_and_account,
                one_account_cannot_end_the_session_of_another,
            }
            durable_audit::{
                each_change_appends_one_entry,
                activity_comes_in_pages_that_join,
                a_head_beyond_the_end_is_the_end,
                an_export_verifies_and_any_changed_entry_shows,
                anchors_come_once_a_minute_over_what_changed,
                a_trimmed_chain_still_verifies_and_goes_on,
                a_sweep_ends_and_forgets,
                nodes_that_sweep_and_anchor_at_once_do_it_once,
                a_sweep_takes_more_than_one_step_holds,
                a_removed_device_is_forgotten_after_its_sessions,
                what_was_refused_leaves_no_entry,
            }
            durable_recovery::{
                a_recovery_code_enrols_once,
                a_recovery_is_repeated_by_the_same_key_for_ten_minutes,
                a_code_of_another_account_enrols_nobody,
                codes_made_anew_void_the_old_ones,
                a_disabled_account_is_not_recovered,
                codes_end_with_a_device_that_somebody_else_removes,
                a_removed_or_foreign_device_makes_no_codes,
                a_full_account_uses_up_no_code,
                one_code_enrols_one_of_fifty_devices,
            }
            durable_clients::{
                an_id_of_a_client_is_taken_once,
                clients_come_back_as_they_were_by_name,
                a_rotated_secret_keeps_the_one_before,
                a_removed_client_takes_its_grants_and_consents_along,
                what_approvals_let_a_client_have_is_joined,
                a_refused_redeem_lets_nobody_have_anything,
                redeems_at_once_lose_nothing_of_a_consent,
                an_account_has_a_profile,
                of_signing_keys_made_at_once_one_is_kept,
                a_signing_key_is_sealed_anew_once_and_stays_the_same_key,
                sites_in_use_are_named_by_session,
            }
            durable_grants::{
                a_grant_is_found_by_its_names_while_it_lives,
                a_grant_needs_a_live_session_of_its_account,
                the_first_grant_of_a_client_in_a_session_is_noted,
                a_code_is_used_once_and_twice_ends_its_grant,
                a_code_ends_at_its_second,
                a_key_that_a_grant_is_bound_to_stays,
                a_refresh_token_is_followed_by_another_one,
                a_refresh_token_that_comes_again_ends_the_family,
                a_device_grant_gets_its_first_refresh_token_once,
                whatever_ends_a_session_ends_its_grants,
                grants_go_over_to_the_next_session_of_their_account,
                a_device_grant_has_a_session_without_a_page_key,
                two_hundred_uses_of_a_code_give_one_or_end_it,
                repeats_of_a_refresh_at_once_agree,
                two_thieves_of_a_refresh_token_at_once_end_it,
                an_end_and_grants_at_once_leave_no_grant,
                a_login_and_grants_at_once_lose_none,
                a_sweep_forgets_grants_that_are_over,
            }
            durable_logouts::{
                a_logout_is_due_once_its_grant_is_over,
                a_logout_comes_again_until_it_is_forgotten,
                a_logout_is_due_for_one_of_fifty_nodes,
            }
            durable_races::{
                two_hundred_redeems_make_one_session,
                two_hundred_decisions_make_one_row,
                verdicts_at_once_leave_one_winner,
                one_link_enrols_one_of_fifty_devices,
                one_password_enrols_one_of_fifty_first_devices,
                links_at_once_leave_no_more_devices_than_there_is_room_for,
                passwords_at_once_leave_no_more_devices_than_there_is_room_for,
                recoveries_at_once_leave_no_more_devices_than_there_is_room_for,
                makings_of_recovery_codes_at_once_leave_those_of_one,
                redeems_of_one_page_key_at_once_leave_one_session,
                a_removal_and_redeems_at_once_leave_no_session,
                ending_all_and_redeems_at_once_leave_no_session,
                a_removal_and_links_at_once_leave_no_link,
                a_disabling_and_decisions_at_once_leave_no_approval,
                a_chain_takes_entries_of_fifty_writers,
            }
        }
    };
}

macro_rules! short_lived_suite {
    ($fresh:expr) => {
        run_on! { $fresh;
            short_lived::{
                a_request_is_found_by_each_of_its_names,
                nothing_is_found_by_other_names,
                a_request_of_a_device_comes_back_as_it_was,
                of_two_hundred_polls_at_once_one_is_noted,
                of_two_writers_one_reads_again,
                two_hundred_scans_make_one_transition,
                a_user_code_belongs_to_one_request,
                a_client_has_so_many_open_requests,
                an_open_request_that_was_prolonged_still_counts,
                what_is_over_makes_room,
                a_final_record_is_readable_for_a_while,
                a_page_is_woken_by_each_change,
                a_page_is_told_that_its_record_is_gone,
                changes_before_a_subscription_do_not_wake,
                scanned_requests_are_found_by_account,
                a_proof_is_spent_once,
                a_proof_under_another_life_of_the_store_is_not_spent,
                a_proof_is_remembered_until_its_end,
                two_hundred_uses_of_a_proof_spend_it_once,
                a_proof_is_not_spent_above_a_limit,
                starts_over_the_limit_are_refused,
                hits_over_the_limit_are_refused,
                a_look_counts_nothing,
                keys_are_counted_apart,
                two_hundred_hits_at_once_keep_the_limit,
                it_has_one_id_for_life,
            }
        }
    };
}

mod sqlite_file {
    use std::sync::Arc;

    use crate::store::sqlite::SqliteStore;

    async fn fresh() -> (Arc<SqliteStore>, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("countersign.db")).await.unwrap();
        (Arc::new(store), dir)
    }

    durable_suite!(fresh());
}

mod sqlite_memory {
    use std::sync::Arc;

    use crate::store::sqlite::SqliteStore;

    async fn fresh() -> (Arc<SqliteStore>, ()) {
        (Arc::new(SqliteStore::in_memory().await.unwrap()), ())
    }

    durable_suite!(fresh());
}

#[cfg(unix)]
mod postgres {
    use std::sync::Arc;

    use services::postgres::{Cluster, Database};

    use crate::store::postgres::PostgresStore;
    use crate::store::postgres::tests::open;

    async fn fresh() -> (Arc<PostgresStore>, Database<'static>) {
        let database = Cluster::shared().database().unwrap();
        (open(&database).await, database)
    }

    durable_suite!(fresh());
}

mod in_process {
    use std::sync::Arc;

    use protocol::id::StoreId;
    use protocol::request::Lives;

    use crate::store::in_process::InProcess;

    fn fresh() -> std::future::Ready<(Arc<InProcess>, ())> {
        let id = StoreId::from_random([9; 16]);
        std::future::ready((Arc::new(InProcess::new(id, Lives::default(), 10_000)), ()))
    }

    short_lived_suite!(fresh());
}

#[cfg(unix)]
mod redis {
    use crate::store::redis::fresh;

    short_lived_suite!(fresh());
}

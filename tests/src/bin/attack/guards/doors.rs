//! The guards of the standard front doors.

use super::{Guard, guard};

pub(super) const GUARDS: &[Guard] = &[
    // The authorization endpoint.
    guard(
        "redirect_uri",
        "an answer goes to an address of its client alone",
        &["authorize.answer_at_an_address_of_somebody_else", "authorize.answer_at_another_port"],
    ),
    guard("challenge_method", "a challenge is by S256", &["authorize.challenge_in_plain_or_none"]),
    guard(
        "client_scopes",
        "a client asks for what it may have",
        &["authorize.scopes_that_the_client_may_not_have"],
    ),
    guard(
        "consent",
        "a code is given where the person agreed to this client and these scopes",
        &["authorize.code_for_a_client_that_nobody_agreed_to", "authorize.more_scopes_than_were_agreed_to"],
    ),
    guard(
        "fresh_approval",
        "prompt=login and max_age take an approval that is young enough",
        &["authorize.approval_that_was_for_something_else"],
    ),
    guard(
        "meant_person",
        "nobody answers for whom the client means but that person",
        &["authorize.somebody_else_than_was_meant"],
    ),
    guard(
        "client_step_up",
        "a client that asks for verified people gets no others",
        &["authorize.person_who_was_not_verified"],
    ),
    guard(
        "native_client",
        "who could be any program asks the person each time",
        &["authorize.program_in_the_name_of_another_one"],
    ),
    guard(
        "transaction_life",
        "a transaction is good for fifteen minutes",
        &["authorize.transaction_after_its_life"],
    ),
    guard(
        "transaction_client",
        "a transaction's address is judged again by the client as it is",
        &["authorize.transaction_of_a_client_that_changed"],
    ),
    guard(
        "pushed_client",
        "a pushed request is for the client that pushed it",
        &["pushed.request_of_another_client"],
    ),
    guard("pushed_once", "a pushed request is good once", &["pushed.request_used_twice"]),
    guard(
        "embedders",
        "the login page stands in frames of sites that the operator allowed it",
        &["pushed.login_in_a_frame_of_another_site"],
    ),
    guard(
        "framed_code",
        "in a frame nobody gets a code by opening a page",
        &["pushed.login_in_a_frame_of_another_site"],
    ),
    // The token endpoint.
    guard("client_secret", "a client with a secret shows it", &["codes.client_without_its_secret"]),
    guard("code_client", "a code is for the client that it was made for", &["codes.code_of_another_client"]),
    guard(
        "code_verifier",
        "a code takes the verifier of its challenge",
        &["codes.code_without_its_verifier", "forward_auth.code_of_a_host_at_the_token_endpoint"],
    ),
    guard("code_redirect", "a code is for the address that it went to", &["codes.code_at_another_address"]),
    guard("code_key", "a code that is bound to a key takes it", &["codes.code_of_another_key"]),
    guard(
        "code_once",
        "a code is good once, and a second use ends what came of the first",
        &["codes.code_used_twice", "codes.code_used_by_fifty_at_once"],
    ),
    guard(
        "code_life",
        "a code is good for a minute; the sweep forgets it then",
        &["codes.code_after_a_minute"],
    ),
    guard(
        "refresh_client",
        "a refresh token is for the client that it was given to",
        &["refresh.token_of_another_client"],
    ),
    guard("refresh_key", "a bound refresh token takes its key", &["refresh.token_without_its_key"]),
    guard(
        "refresh_scopes",
        "a refresh reaches no further than before",
        &["refresh.token_for_more_than_was_given"],
    ),
    guard(
        "refresh_once",
        "a refresh token that is used again ends its grant",
        &["refresh.token_stolen_and_used", "refresh.token_used_again_after_a_minute"],
    ),
    guard(
        "own_failures",
        "what pages of other sites fail at is counted apart",
        &["strangers.site_that_locks_its_visitors_out", "strangers.site_that_starts_device_grants"],
    ),
    // What tokens open.
    guard(
        "jwt_signature",
        "a token of ours was signed here",
        &["tokens.access_token_forged", "sign_out.hint_that_is_no_id_token"],
    ),
    guard("jws_type", "a token is of the kind that is asked for", &["sign_out.hint_that_is_no_id_token"]),
    guard(
        "access_token_life",
        "an access token ends after ten minutes",
        &["tokens.access_token_after_ten_minutes"],
    ),
    guard(
        "access_token_key",
        "a bound token counts with its key, any other one without",
        &["codes.code_of_another_key", "tokens.access_token_in_other_ways"],
    ),
    guard(
        "ended_grant",
        "what was ended opens nothing from the next call on",
        &["tokens.access_token_of_an_ended_grant", "refresh.token_after_it_was_given_back"],
    ),
    guard(
        "introspection",
        "introspection is for clients with a secret",
        &["tokens.introspection_by_a_public_client"],
    ),
    guard("revocation", "a client gives back its own tokens", &["tokens.revocation_by_another_client"]),
    // The device grant.
    guard("device_grant", "a client asks for devices if it may", &["device_grant.client_that_may_not"]),
    guard(
        "device_client",
        "a device code is for the client that asked for it",
        &["device_grant.code_of_another_client"],
    ),
    guard(
        "device_code",
        "a device code proves that it is the device's",
        &["device_grant.code_with_another_secret"],
    ),
    guard("device_key", "a bound device code takes its key", &["device_grant.code_of_another_key"]),
    // Forward auth.
    guard(
        "guarded_host",
        "a cookie of one guarded host opens that host; the sealed host and the grant's are looked at",
        &["forward_auth.cookie_of_another_host"],
    ),
    guard(
        "guarded_browser",
        "a sign-in at a host ends in the browser that began it",
        &["forward_auth.sign_in_of_another_browser"],
    ),
    guard(
        "guarded_issuer",
        "a sign-in at a host ends with an answer of this server",
        &["forward_auth.answer_of_another_issuer"],
    ),
    guard(
        "guarded_word",
        "a proxy's word and its visitor's name the same host",
        &["forward_auth.headers_that_do_not_agree"],
    ),
    // Signing out.
    guard(
        "sign_out_account",
        "who shows a token of this account has a say, nobody else",
        &["sign_out.hint_of_another_account"],
    ),
    guard(
        "sign_out_session",
        "the answer comes from whom the question was put to",
        &["sign_out.answer_to_the_question_of_another_session"],
    ),
    guard(
        "sign_out_address",
        "a sign-out leads to an address of its client alone",
        &["sign_out.way_on_to_another_site"],
    ),
];

mod browser;
mod http_client;
mod oauth2_crate;
mod openid_client;
mod openidconnect_crate;
mod pushed;
mod site;

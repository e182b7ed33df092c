mod browser;
mod oauth2_crate;
mod openid_client;
mod pushed;
mod site;

//! Access and ID tokens: forged, of another kind, too old, shown by whoever has no business with them; introspection and
//! revocation.

use anyhow::{Context as _, Result, ensure};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use super::super::{Attack, Held, attacks};
use crate::client::site::{parameter, refuses, text};
use crate::client::{Jws, Key, Site, base64url};
use crate::ground::Ground;

pub(super) fn all() -> Vec<Attack> {
    attacks!["tokens", StandingTime;
        access_token_forged,
        id_token_as_access_token,
        access_token_of_an_ended_grant,
        access_token_in_other_ways,
        introspection_by_a_public_client,
        introspection_of_what_is_not_good,
        revocation_by_another_client,
        what_scopes_do_not_reach,
        published_keys_are_public_halves,
        access_token_after_ten_minutes,
    ]
}

/// Header and claims of a JWT.
pub(super) fn read(token: &str) -> Result<(Value, Value)> {
    let mut parts = token.split('.').map(|part| BASE64URL_NOPAD.decode(part.as_bytes()));
    let mut next = || anyhow::Ok(serde_json::from_slice(&parts.next().context("a part is missing")??)?);
    Ok((next()?, next()?))
}

/// Tokens that look like this one and were not signed here.
pub(super) fn forgeries(token: &str, jwks: &Value) -> Result<Vec<(&'static str, String)>> {
    let (header, claims) = read(token)?;
    let (signed, signature) = token.rsplit_once('.').context("no signature")?;
    let key = Key::fresh();
    let like = |header: &Value| {
        let mut jws = Jws::decision(claims.clone()).without("iat").claim("iat", claims["iat"].clone());
        for (name, value) in header.as_object().into_iter().flatten() {
            jws = jws.head(name, value.clone());
        }
        jws
    };
    let public = jwks["keys"][0].to_string();
    let kid = header["kid"].clone();
    let more = {
        let mut more = claims.clone();
        more["scope"] = json!("openid profile email groups");
        base64url(more.to_string().as_bytes())
    };
    let (head, _) = signed.split_once('.').context("no claims")?;
    Ok(vec![
        ("alg none", like(&header).head("alg", "none").sealed(|_| Vec::new())),
        ("alg None", like(&header).head("alg", "None").sealed(|_| Vec::new())),
        (
            "alg none with its signature",
            format!("{}.{signature}", unsigned(&like(&header).head("alg", "none"))),
        ),
        ("HS256 with the published key", like(&header).head("alg", "HS256").sign_hmac(public.as_bytes())),
        (
            "HS256 with the name of the key",
            like(&header).head("alg", "HS256").sign_hmac(kid.to_string().as_bytes()),
        ),
        ("HS256 with nothing", like(&header).head("alg", "HS256").sign_hmac(b"")),
        ("another key under the same name", like(&header).sign(&key)),
        ("another key in the header", like(&header).head("jwk", key.jwk()).sign(&key)),
        ("a name of nothing", like(&header).head("kid", "../../../dev/null").sign(&key)),
        ("a name with a statement in it", like(&header).head("kid", "' OR '1'='1").sign(&key)),
        ("no name", like(&header).without_head("kid").sign(&key)),
        ("keys from an address", like(&header).head("jku", "https://evil.example/jwks").sign(&key)),
        ("a certificate", like(&header).head("x5u", "https://evil.example/x").sign(&key)),
        ("crit", like(&header).head("crit", json!(["exp"])).sign(&key)),
        ("claims changed after signing", format!("{head}.{more}.{signature}")),
        ("no signature", format!("{signed}.")),
        ("two parts", signed.to_owned()),
        ("five parts", format!("{token}.a.b")),
        ("zeros as signature", format!("{signed}.{}", base64url(&[0; 64]))),
        ("nothing", String::new()),
        (
            "deep nesting",
            format!("{}.{}.{signature}", base64url("[".repeat(4_000).as_bytes()), base64url(b"{}")),
        ),
        ("very long", "a".repeat(20_000)),
    ])
}

fn unsigned(jws: &Jws) -> String {
    let text = jws.sealed(|_| Vec::new());
    text.trim_end_matches('.').to_owned()
}

async fn jwks(site: &Site) -> Result<Value> {
    site.http.get("/oauth/jwks").await?.is(200)?.json()
}

async fn access_token_forged(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let access = text(&tokens, "access_token")?;
    site.userinfo(access).await?.is(200)?;
    let forged = forgeries(access, &jwks(&site).await?)?;
    for (what, token) in &forged {
        site.userinfo(token).await?.one_of(&[400, 401, 431]).with_context(|| (*what).to_owned())?;
        let introspected = site.call("/oauth/introspect", &[("token", token)]).send().await?;
        ensure!(
            introspected.status >= 400 || introspected.json()? == json!({"active": false}),
            "{what}: {introspected}"
        );
    }
    Ok(format!("{} forgeries", forged.len()))
}

/// Both are signed by the same key: their types tell them apart.
async fn id_token_as_access_token(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let (access, id) = (text(&tokens, "access_token")?, text(&tokens, "id_token")?);
    site.userinfo(id).await?.is(401)?;
    let introspected = site.call("/oauth/introspect", &[("token", id)]).send().await?.is(200)?.json()?;
    ensure!(introspected == json!({"active": false}), "{introspected}");
    ensure!(read(access)?.0["typ"] == "at+jwt" && read(id)?.0["typ"] == "JWT", "the types do not differ");
    ensure!(read(id)?.1["aud"] == site.id.as_str(), "an ID token for somebody else: {}", read(id)?.1);
    ensure!(read(access)?.1["aud"] != site.id.as_str(), "an access token that reads as an ID token");
    // Nobody else's login is told by it: another client's hint says nothing about a code of this one.
    ensure!(read(id)?.1["nonce"] == "n0nce", "{}", read(id)?.1);
    Ok("401 and not active".to_owned())
}

async fn access_token_of_an_ended_grant(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let (access, refresh) = (text(&tokens, "access_token")?, text(&tokens, "refresh_token")?);
    site.call("/oauth/revoke", &[("token", refresh)]).send().await?.is(200)?;
    site.userinfo(access).await?.is(401)?;
    let introspected = site.call("/oauth/introspect", &[("token", access)]).send().await?.is(200)?.json()?;
    ensure!(introspected == json!({"active": false}), "{introspected}");
    Ok("over at once, although it is signed and young".to_owned())
}

async fn access_token_in_other_ways(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let access = text(&tokens, "access_token")?;
    let bearer = format!("Bearer {access}");
    let get = || site.http.call("GET", "/oauth/userinfo");
    get().header("authorization", &bearer).header("authorization", &bearer).send().await?.is(400)?;
    get().header("authorization", format!("Basic {access}")).send().await?.is(400)?;
    get().header("cookie", format!("access_token={access}")).send().await?.is(401)?;
    site.http.get(&format!("/oauth/userinfo?access_token={access}")).await?.is(401)?;
    site.bare("/oauth/userinfo", &[("access_token", access)]).send().await?.is(401)?;
    // An unbound token does not become a bound one by somebody's proof.
    let key = Key::fresh();
    get().token(&key, access).await?.send().await?.is(401)?;
    Ok("twice, as another scheme, in cookie, address and body, with a proof".to_owned())
}

async fn introspection_by_a_public_client(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let public = ground.site(&["--public"]).await?;
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let access = text(&tokens, "access_token")?;
    let asked = public.call("/oauth/introspect", &[("token", access)]).send().await?;
    refuses(asked, 400, "unauthorized_client")?;
    site.bare("/oauth/introspect", &[("token", access)]).send().await?.is(401)?;
    let origin =
        site.call("/oauth/introspect", &[("token", access)]).header("origin", "https://evil.example");
    let read = origin.send().await?.is(200)?;
    ensure!(read.header("access-control-allow-origin").is_empty(), "scripts of any site may read it");
    Ok("a public client, and nobody: refused".to_owned())
}

async fn introspection_of_what_is_not_good(ground: Ground) -> Held {
    let (site, other) = (ground.site(&[]).await?, ground.site(&[]).await?);
    let (_, tokens) = site.tokens(&ground.device().await?, &[]).await?;
    let refresh = text(&tokens, "refresh_token")?;
    let none = json!({"active": false});
    for token in [refresh, "x", "a.b.c", &"A".repeat(43)] {
        let told = other.call("/oauth/introspect", &[("token", token)]).send().await?.is(200)?.json()?;
        ensure!(told == none, "another client is told {told}");
    }
    site.refresh(refresh).await?.is(200)?;
    let told = site.call("/oauth/introspect", &[("token", refresh)]).send().await?.is(200)?.json()?;
    ensure!(told == none, "of a used refresh token its client is told {told}");
    Ok("nothing but active: false".to_owned())
}

async fn revocation_by_another_client(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (other, public) = (ground.site(&[]).await?, ground.site(&["--public"]).await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let (access, refresh) = (text(&tokens, "access_token")?, text(&tokens, "refresh_token")?);
    for token in [access, refresh] {
        for stranger in [&other, &public] {
            let asked = stranger.call("/oauth/revoke", &[("token", token)]).send().await?;
            refuses(asked, 400, "invalid_grant")?;
        }
        site.bare("/oauth/revoke", &[("token", token)]).send().await?.is(401)?;
    }
    site.userinfo(access).await?.is(200)?;
    Ok("two other clients and nobody: the tokens stay good".to_owned())
}

async fn what_scopes_do_not_reach(ground: Ground) -> Held {
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let name = text(&device.enrolled.json()?["account"], "username")?.to_owned();
    ground
        .server()?
        .operate(&["users", "set", &name, "--email", "ada@example.com", "--group", "admin"])
        .await?;
    let (_, back) = site.sign_in(&device, &[("scope", "openid")]).await?;
    let code = parameter(&back, "code")?;
    let tokens = site.ask(&site.exchange(&code)).await?.is(200)?.json()?;
    let told = site.userinfo(text(&tokens, "access_token")?).await?.is(200)?.json()?;
    let (_, claims) = read(text(&tokens, "id_token")?)?;
    for said in [&told, &claims] {
        for name in ["email", "groups", "name", "preferred_username"] {
            ensure!(said[name].is_null(), "{name} is told without its scope: {said}");
        }
    }
    let introspected = site.call("/oauth/introspect", &[("token", text(&tokens, "access_token")?)]);
    let introspected = introspected.send().await?.is(200)?.json()?;
    ensure!(introspected["username"].is_null(), "{introspected}");
    Ok("openid alone tells no name, address or group".to_owned())
}

async fn published_keys_are_public_halves(ground: Ground) -> Held {
    let site = ground.site(&[]).await?;
    let keys = jwks(&site).await?;
    let keys = keys["keys"].as_array().context("no keys")?.clone();
    ensure!(!keys.is_empty(), "no key is published");
    for key in &keys {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            ensure!(key[private].is_null(), "{private} is published");
        }
    }
    Ok(format!("{} keys", keys.len()))
}

async fn access_token_after_ten_minutes(_: Ground) -> Held {
    let ground = Ground::standing(&[]).await?;
    let (site, device) = (ground.site(&[]).await?, ground.device().await?);
    let (_, tokens) = site.tokens(&device, &[]).await?;
    let access = text(&tokens, "access_token")?;
    ground.hand()?.pass(599).await?;
    site.userinfo(access).await?.is(200)?;
    ground.hand()?.pass(1).await?;
    site.userinfo(access).await?.is(401)?;
    Ok("good for 599 s, over at 600".to_owned())
}

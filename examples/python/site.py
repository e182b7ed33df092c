"""A web site that signs its visitors in by OpenID Connect, with Authlib. Nothing in it is special to Countersign.

    apt install python3-authlib python3-requests
    countersign-server clients add Board --id board --redirect http://127.0.0.1:8092/signed-in
    CLIENT_SECRET=... python3 site.py
"""

import html
import os
import secrets
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

ISSUER = os.environ.get("ISSUER", "http://127.0.0.1:8080")
SITE = os.environ.get("SITE", "http://127.0.0.1:8092")
CLIENT_ID = os.environ.get("CLIENT_ID", "board")
if ISSUER.startswith("http://127.0.0.1"):
    # Authlib refuses plain http; on one's own machine there is nobody in between.
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

SERVER = requests.get(f"{ISSUER}/.well-known/openid-configuration", timeout=10).json()

# Who is signed in, by cookie, and sign-ins that were begun, by state. A real site keeps both where they outlive the process.
visitors = {}
begun = {}


def client():
    return OAuth2Session(
        CLIENT_ID,
        os.environ["CLIENT_SECRET"],
        scope="openid profile",
        redirect_uri=f"{SITE}/signed-in",
        code_challenge_method="S256",
    )


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        cookies = SimpleCookie(self.headers.get("cookie", ""))
        if path == "/":
            visitor = visitors.get(value(cookies, "board"))
            if visitor is None:
                return self.begin()
            return self.page(200, f'<p>Signed in as <strong id="user">{html.escape(visitor)}</strong>.</p>')
        if path == "/signed-in":
            return self.signed_in(value(cookies, "board-state"))
        return self.page(404, "<p>There is no such page.</p>")

    def begin(self):
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        url, state = client().create_authorization_url(
            SERVER["authorization_endpoint"], code_verifier=verifier, nonce=nonce
        )
        begun[state] = (verifier, nonce)
        self.go(url, f"board-state={state}; HttpOnly; SameSite=Lax; Path=/signed-in")

    def signed_in(self, state):
        verifier, nonce = begun.pop(state, (None, None))
        if verifier is None:
            return self.go("/")
        # Compares the state of the address with the one of this browser.
        tokens = client().fetch_token(
            SERVER["token_endpoint"],
            authorization_response=f"{SITE}{self.path}",
            state=state,
            code_verifier=verifier,
        )
        keys = JsonWebKey.import_key_set(requests.get(SERVER["jwks_uri"], timeout=10).json())
        claims = jwt.decode(
            tokens["id_token"],
            keys,
            claims_cls=CodeIDToken,
            claims_options={
                "iss": {"essential": True, "value": SERVER["issuer"]},
                "aud": {"essential": True, "value": CLIENT_ID},
            },
            claims_params={"nonce": nonce, "client_id": CLIENT_ID, "access_token": tokens["access_token"]},
        )
        claims.validate(leeway=60)
        cookie = secrets.token_urlsafe(32)
        visitors[cookie] = claims["preferred_username"]
        self.go("/", f"board={cookie}; HttpOnly; SameSite=Lax; Path=/")

    def go(self, where, cookie=None):
        self.send_response(303)
        self.send_header("location", where)
        self.send_header("cache-control", "no-store")
        if cookie:
            self.send_header("set-cookie", cookie)
        self.end_headers()

    def page(self, status, body):
        text = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
            f"<title>Board</title><h1>Board</h1>{body}</html>"
        ).encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        """Addresses of calls hold codes: they belong into no log."""


def value(cookies, name):
    return cookies[name].value if name in cookies else None


if __name__ == "__main__":
    print(f"the site is at {SITE}/", flush=True)
    try:
        ThreadingHTTPServer(("127.0.0.1", urlsplit(SITE).port), Site).serve_forever()
    except KeyboardInterrupt:
        pass

"""Lets schemathesis speak as a page and as a trusted device: proofs are signed anew for each call (RFC 9449).

COUNTERSIGN_URL is the server, COUNTERSIGN_LINK an enrolment link of an account that nobody else uses. Nothing here waits
and nothing is retried: what the server answers is what is judged.
"""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request

import schemathesis
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

URL = os.environ["COUNTERSIGN_URL"]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value):
    return base64url(json.dumps(value, separators=(",", ":")).encode())


class Key:
    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        point = self.private.public_key().public_numbers()
        coordinate = lambda number: base64url(number.to_bytes(32, "big"))
        self.jwk = {"crv": "P-256", "kty": "EC", "x": coordinate(point.x), "y": coordinate(point.y)}

    def sign(self, header, claims):
        signed = f"{compact({'alg': 'ES256', **header})}.{compact(claims)}"
        der = self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(der)
        return f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def proof(self, method, path, token=None):
        claims = {"htm": method, "htu": URL + path.split("?")[0], "jti": base64url(os.urandom(16)), "nonce": nonce()}
        if token:
            claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        return self.sign({"typ": "dpop+jwt", "jwk": self.jwk}, claims)


def call(method, path, body=None, headers=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(URL + path, data=data, method=method, headers=headers or {})
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
        return answer.headers, json.loads(text) if text else None


NONCE = []


def nonce():
    """Good for five minutes, longer than a run."""
    if not NONCE:
        NONCE.append(call("GET", "/.well-known/countersign")[0]["DPoP-Nonce"])
    return NONCE[0]


class Device:
    def __init__(self, code):
        self.key = Key()
        body = {"enrolment": code, "device": {"name": "Schemathesis", "kind": "other"}}
        _, said = call("POST", "/api/devices", body, {"DPoP": self.key.proof("POST", "/api/devices")})
        self.id, self.token, self.account = said["device_id"], said["token"], said["account"]["id"]

    def headers(self, method, path):
        return {"Authorization": f"DPoP {self.token}", "DPoP": self.key.proof(method, path, self.token)}

    def ask(self, method, path, body=None):
        return call(method, path, body, self.headers(method, path))[1]

    def link(self):
        return self.ask("POST", "/api/enrolments")["link"].rsplit("/E/", 1)[1].split("/")[0]


class Page:
    def __init__(self):
        self.key = Key()
        self.cookies = {}
        self.body = self.ask("POST", "/api/login-requests", {})
        self.id = self.body["id"]

    @classmethod
    def of(cls, key, body):
        """A page that somebody else has started."""
        page = cls.__new__(cls)
        page.key, page.cookies, page.body, page.id = key, {}, body, body["id"]
        return page

    def headers(self, method, path):
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = {"Origin": URL, "DPoP": self.key.proof(method, path)}
        return {**headers, "Cookie": cookies} if cookies else headers

    def ask(self, method, path, body=None):
        headers, said = call(method, path, body, self.headers(method, path))
        self.keep(headers.get_all("Set-Cookie") or [])
        return said

    def keep(self, lines):
        for line in lines:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value

    def state(self):
        return self.ask("GET", f"/api/login-requests/{self.id}")

    def code(self):
        return self.body["frame"]["url"].rsplit("/", 1)[1]

    def statement(self):
        """An approval of this request, signed."""
        scan = DEVICE.ask("POST", "/api/scans", {"code": self.code(), "via": "camera"})
        context = base64.urlsafe_b64decode(scan["context"] + "==")
        claims = {
            "iss": DEVICE.id, "aud": URL, "sub": DEVICE.account, "jti": scan["ticket"], "decision": "approve",
            "ctx": base64url(hashlib.sha256(context).digest()), "check": self.state()["check"], "iat": 0,
        }
        return DEVICE.key.sign({"typ": "login-decision+jwt"}, claims)

    def approved(self):
        call("POST", "/api/decisions", {"statement": self.statement()})
        return self

    def is_signed_in(self):
        try:
            return bool(self.ask("GET", "/api/session"))
        except urllib.error.HTTPError:
            return False

    def signed_in(self):
        self.approved().ask("POST", f"/api/login-requests/{self.id}/session", {})
        return self


DEVICE = Device(os.environ["COUNTERSIGN_LINK"].rsplit("/E/", 1)[1].split("/")[0])
# Pages by the id of their request: also those that schemathesis starts.
PAGES = {}
# The page whose session the calls about a session are about; it may have been ended by one of them.
SIGNED_IN = []


def signed_in():
    if not (SIGNED_IN and SIGNED_IN[0].is_signed_in()):
        SIGNED_IN[:] = [Page().signed_in()]
    return SIGNED_IN[0]


def live(case):
    """Puts what is there in place of what nobody knows, so that a call gets past "not found"."""
    label = f"{case.method.upper()} {case.path}"
    if "/api/login-requests/{id}" in label:
        page = Page()
        PAGES[page.id] = page.approved() if case.path.endswith("/session") else page
        case.path_parameters = {"id": page.id}
    elif label == "PATCH /api/devices/{id}":
        case.path_parameters = {"id": DEVICE.id}
    elif label == "DELETE /api/devices/{id}":
        case.path_parameters = {"id": Device(DEVICE.link()).id}
    elif label == "DELETE /api/sessions/{id}":
        signed_in()
        case.path_parameters = {"id": DEVICE.ask("GET", "/api/sessions")["sessions"][0]["id"]}
        SIGNED_IN.clear()
    elif label == "POST /api/scans":
        case.body = {"code": Page().code(), "via": "camera"}
    elif label == "POST /api/decisions":
        page = Page()
        case.body = {"statement": page.statement()}
    elif label == "POST /api/devices" and isinstance(case.body, dict):
        case.body = {"enrolment": DEVICE.link(), "device": case.body["device"]}


def is_generated_to_be_good(case):
    """Neither broken on purpose nor part of a story whose ids come from earlier answers."""
    return bool(case.meta) and case.meta.generation.mode.is_positive and case.meta.phase.name.value != "stateful"


class Alternately:
    """Every second call of each operation is about what is there."""

    def __init__(self):
        self.calls = {}

    def next(self, case):
        label = case.operation.label
        self.calls[label] = self.calls.get(label, 0) + 1
        return self.calls[label] % 2 == 1


ALTERNATELY = Alternately()


@schemathesis.auth()
class Signed:
    """Says that a call is signed; what it is signed with is made when it is sent."""

    def get(self, case, context):
        return DEVICE.token

    def set(self, case, data, context):
        if asks_for_device(case):
            case.headers["Authorization"] = f"DPoP {data}"
        else:
            case.headers["Origin"] = URL


def asks_for_device(case):
    return bool(case.operation.definition.raw.get("security"))


@schemathesis.hook
def before_call(context, case, **kwargs):
    is_own_end = f"{case.method.upper()} {case.path}" == "DELETE /api/devices/{id}" and DEVICE.id == identifier(case)
    if is_own_end or (is_generated_to_be_good(case) and ALTERNATELY.next(case)):
        live(case)
    method, path = case.method.upper(), case.formatted_path
    if asks_for_device(case):
        # A token that was left out or spoiled on purpose stays so.
        if case.headers.get("Authorization") == f"DPoP {DEVICE.token}":
            case.headers.update(DEVICE.headers(method, path))
    elif case.headers.get("Origin") == URL:
        headers = (PAGES.get(identifier(case)) or signed_in()).headers(method, path)
        if "DPoP" not in case.headers:
            headers.pop("DPoP")
        case.headers.update(headers)


def identifier(case):
    return (case.path_parameters or {}).get("id")


@schemathesis.hook
def after_call(context, case, response):
    if case.path.startswith("/api/session") and case.method.upper() == "DELETE" and response.status_code == 204:
        SIGNED_IN.clear()
    if case.path == "/api/login-requests" and response.status_code == 201:
        page = Page.of(signed_in().key, response.json())
        page.keep(response.headers.get("set-cookie", []))
        PAGES[page.id] = page

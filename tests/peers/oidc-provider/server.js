// The peer of `cargo xtask bench server --peer oidc-provider`: the npm package oidc-provider with everything in memory,
// signing in by the device flow (RFC 8628) with a proof of possession (RFC 9449) at the token endpoint.
//
// What its interaction pages do at their end, POST /approve does alone: no browser, no session cookie, no form. So an
// approval is one call without a signature, which is less than it would cost with them.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const LIFE_S = 300;

/** Keeps everything until it is consumed or over. The adapter that comes along forgets all but about 1,000 entries. */
class Memory {
  static entries = new Map();
  static byUserCode = new Map();

  constructor(name) {
    this.name = name;
  }

  key(id) {
    return `${this.name}:${id}`;
  }

  async upsert(id, payload, lifeS) {
    Memory.entries.set(this.key(id), { payload, until: Date.now() + (lifeS ?? 86_400) * 1000 });
    if (payload.userCode) Memory.byUserCode.set(payload.userCode, id);
  }

  async find(id) {
    const entry = Memory.entries.get(this.key(id));
    return entry && Date.now() < entry.until ? entry.payload : undefined;
  }

  async findByUserCode(userCode) {
    return this.find(Memory.byUserCode.get(userCode));
  }

  async findByUid() {
    return undefined;
  }

  async consume(id) {
    const entry = Memory.entries.get(this.key(id));
    if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    const entry = Memory.entries.get(this.key(id));
    if (entry?.payload.userCode) Memory.byUserCode.delete(entry.payload.userCode);
    Memory.entries.delete(this.key(id));
  }

  async revokeByGrantId() {}

  static sweep() {
    const now = Date.now();
    for (const [key, { payload, until }] of Memory.entries) {
      if (until > now) continue;
      if (payload.userCode) Memory.byUserCode.delete(payload.userCode);
      Memory.entries.delete(key);
    }
  }
}

const server = createServer();
// Clients of the bench keep their connections while others are measured.
server.keepAliveTimeout = 600_000;
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const provider = new Provider(origin, {
  adapter: Memory,
  clients: [
    {
      client_id: "bench",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: "none",
      id_token_signed_response_alg: "ES256",
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), alg: "ES256", use: "sig" }] },
  cookies: { keys: [randomUUID()] },
  features: {
    deviceFlow: { enabled: true },
    devInteractions: { enabled: false },
    dPoP: { enabled: true },
  },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { AccessToken: 600, DeviceCode: LIFE_S, Grant: 600, IdToken: 600 },
});

/** As the provider's device interaction ends: a grant for the account, and the device code bound to it. */
async function approve(userCode, accountId) {
  const code = await provider.DeviceCode.findByUserCode(userCode);
  if (!code || code.accountId) return false;
  const grant = new provider.Grant({ accountId, clientId: code.clientId });
  grant.addOIDCScope("openid");
  Object.assign(code, {
    accountId,
    grantId: await grant.save(),
    authTime: Math.floor(Date.now() / 1000),
    scope: "openid",
    claims: {},
  });
  await code.save();
  return true;
}

const callback = provider.callback();

server.on("request", (request, response) => {
  if (request.method !== "POST" || request.url !== "/approve") {
    callback(request, response);
    return;
  }
  let body = "";
  request.on("data", (part) => (body += part));
  request.on("end", async () => {
    const { user_code: userCode, account } = JSON.parse(body);
    const done = await approve(userCode.replaceAll("-", ""), account);
    response.writeHead(done ? 204 : 404, { "content-length": 0 }).end();
  });
});

setInterval(Memory.sweep, 10_000).unref();
console.log(`listening on ${origin}`);

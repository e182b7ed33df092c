// Types of the login page's modules; read by `tsc -p server/web`, never served.

/** Bodies of the server, see docs/protocol.md. Times are whole Unix seconds of the server. */
export interface Frame { url: string; png: string; issued_at: number; expires_at: number }
export interface RequestState {
  id: string;
  state: "waiting" | "scanned" | "approved" | "redeemed" | "denied" | "expired" | "cancelled";
  reason: string | null;
  frame: Frame | null;
  user_code: string | null;
  check: string | null;
  client: Client | null;
  expires_at: number;
  now: number;
}
/** The site behind a standard front door that the person signs in to. */
export interface Client { id: string; name: string }
/** What a login request is started with. */
export interface Goal { return_to?: string; transaction?: string }
export interface Account { username: string; display_name: string }
export interface Redeemed { account: Account; return_to: string | null; expires_at: number; now: number }
export interface SessionState {
  account: Account;
  device: { name: string } | null;
  created_at: number;
  expires_at: number;
  now: number;
}

/** An answer of the API. `problem` is NAME of `urn:countersign:problem:NAME`, null when the status is good. */
export interface Answer<T = any> { status: number; ok: boolean; body: T; problem: string | null; retryAfterS: number | null }

/** A moment on the page's monotonic clock (`performance.now()`), in milliseconds. */
export type Moment = number;

/** How the page hears of changes: by socket, by asking again and again, or not at all right now. */
export type Connection = "live" | "polling" | "cut";

/** Everything that the page can show. One variant per view; a variant holds what its view needs. */
export type View =
  | { state: "starting"; reason?: undefined }
  | { state: "renewing"; reason?: undefined }
  | { state: "waiting"; reason?: undefined; png: string; endsAt: Moment; connection: Connection; notice: Notice | null }
  | { state: "code"; reason?: undefined; code: string; endsAt: Moment; connection: Connection }
  | { state: "scanned"; reason?: undefined; check: string | null; endsAt: Moment; connection: Connection }
  | { state: "approved"; reason?: undefined; connection: Connection }
  | { state: "confirm"; reason?: undefined; account: Account; returnTo: string; followAt: Moment | null; connection: Connection }
  | { state: "signed-in"; reason?: undefined; account: Account; device: string | null; since: Date; returnTo: string | null; connection: Connection }
  | { state: "signed-out"; reason: "self" | "reported" | "elsewhere" | "key" | "refused" }
  | { state: "denied"; reason: "user" | "reported" | "check" | "network" }
  | { state: "expired"; reason: "waiting" | "scanned" | "approved" }
  | { state: "cancelled"; reason: "page" | "revoked" }
  | { state: "lost"; reason: "request" }
  | { state: "offline"; reason: "browser" | "server"; retryAt: Moment }
  | { state: "error"; reason: ErrorReason; retryAt?: Moment; detail?: string }
  | { state: "needs-https"; reason?: undefined };

export type ErrorReason =
  | "busy" | "unavailable" | "return-to" | "key" | "cookies" | "storage" | "origin" | "refused" | "unexpected" | "loop" | "transaction";

/** Why the person sees the login page although a session was there. */
export type Notice = "key" | "refused";

/** A site sent the person here and waits for an answer; its name once the server has said it. */
export interface Asking { name: string | null }

/** What the person can do; view code calls these and nothing else. */
export interface Actions {
  restart(): void;
  typeCode(): void;
  cancel(): void;
  proceed(): void;
  stay(): void;
  notMe(): void;
  signOut(): void;
  back(): void;
}

// @ts-check
// The page key: one P-256 pair per browser profile, made here, never leaving the browser.

const DATABASE = "countersign";
const STORE = "keys";
const ENTRY = "page";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" };

/** @typedef {{ privateKey: CryptoKey, jwk: { kty: string, crv: string, x: string, y: string } }} PageKey */

/** The browser refuses to keep anything for this site. */
export class StorageRefused extends Error {}

/** @type {Promise<PageKey> | null} */
let kept = null;

/**
 * The page key of this browser profile, made at the first call in any tab.
 * @returns {Promise<PageKey>}
 * @throws {StorageRefused}
 */
export function pageKey() {
  kept ??= findOrMake().catch((cause) => {
    kept = null;
    throw cause;
  });
  return kept;
}

/**
 * Whether this profile holds a page key; makes none.
 * @throws {StorageRefused}
 */
export async function hasPageKey() {
  const database = await open();
  try {
    return (await read(database)) !== undefined;
  } finally {
    database.close();
  }
}

/** @returns {Promise<PageKey>} */
async function findOrMake() {
  const database = await open();
  try {
    return (await read(database)) ?? (await keepFirst(database, await generate()));
  } finally {
    database.close();
  }
}

/** @returns {Promise<PageKey>} */
async function generate() {
  const pair = await crypto.subtle.generateKey(ALGORITHM, false, ["sign"]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return /** @type {PageKey} */ ({ privateKey: pair.privateKey, jwk: { kty, crv, x, y } });
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    /** @param {unknown} cause */
    const refuse = (cause) => reject(new StorageRefused("open the key store", { cause }));
    try {
      const opening = indexedDB.open(DATABASE, 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
      opening.onsuccess = () => resolve(opening.result);
      opening.onerror = () => refuse(opening.error);
    } catch (cause) {
      refuse(cause);
    }
  });
}

/**
 * @param {IDBDatabase} database
 * @returns {Promise<PageKey | undefined>}
 */
function read(database) {
  return new Promise((resolve, reject) => {
    const reading = database.transaction(STORE, "readonly").objectStore(STORE).get(ENTRY);
    reading.onsuccess = () => resolve(reading.result);
    reading.onerror = () => reject(new StorageRefused("read the page key", { cause: reading.error }));
  });
}

/**
 * Stores `made` unless another tab was first; both tabs then use the stored one, since
 * looking and storing are one transaction.
 * @param {IDBDatabase} database
 * @param {PageKey} made
 * @returns {Promise<PageKey>}
 */
function keepFirst(database, made) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite");
    const keys = transaction.objectStore(STORE);
    let chosen = made;
    const looking = keys.get(ENTRY);
    looking.onsuccess = () => {
      if (looking.result === undefined) keys.put(made, ENTRY);
      else chosen = looking.result;
    };
    transaction.oncomplete = () => resolve(chosen);
    transaction.onabort = () => reject(new StorageRefused("store the page key", { cause: transaction.error }));
  });
}

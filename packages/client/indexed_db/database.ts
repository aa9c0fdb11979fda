import {
  type DatabaseFactory,
  type DatabaseRequest,
  type ObjectStore,
  type OpenDatabase,
  type OpenRequest,
  page,
  type Transaction,
} from "./platform.ts";

const VERSION = 1;
const STORE = "messages";
/** Longest wait for the database to open, in milliseconds. Safari sometimes never answers. */
const OPEN_MS = 5_000;

/** Index of a message by owner, room and id. */
export const BY_MESSAGE = "message";
/** Index of messages by owner and room. */
export const BY_ROOM = "room";
/** Index of messages by owner. */
export const BY_OWNER = "owner";

/**
 * The outbox's database. The first call opens it. It closes if another page upgrades or deletes it,
 * and the next call reopens it.
 */
export class Database {
  readonly #name: string;
  readonly #factory: DatabaseFactory | undefined;
  #open: Promise<OpenDatabase> | null = null;

  /** Without a factory, the browser's IndexedDB. */
  constructor(name: string, factory: DatabaseFactory | undefined) {
    this.#name = name;
    this.#factory = factory;
  }

  /**
   * Runs work in one transaction and resolves after its commit.
   * @throws {Error} with the browser's error as `cause`, after a rollback
   */
  async run<T>(mode: "readonly" | "readwrite", work: (store: ObjectStore) => Promise<T>): Promise<T> {
    const transaction = await this.#begin(mode);
    try {
      const [result] = await Promise.all([work(transaction.objectStore(STORE)), ended(transaction)]);
      return result;
    } catch (cause) {
      throw this.#rejection(cause);
    }
  }

  /**
   * Adds records, all or none, without waiting for an answer of the browser: a page that is being
   * reloaded gets none any more.
   * @throws {Error} with the browser's error as `cause`, for example if an index has a record
   */
  async add(records: readonly unknown[]): Promise<void> {
    const transaction = await this.#begin("readwrite");
    const store = transaction.objectStore(STORE);
    try {
      for (const record of records) store.put(record);
      transaction.commit?.();
      await ended(transaction);
    } catch (cause) {
      throw this.#rejection(cause);
    }
  }

  #rejection(cause: unknown): Error {
    return new Error(`The database ${this.#name} rejected the transaction; see cause.`, { cause });
  }

  /** Opens the database. @throws {Error} naming the reason of a failure */
  async open(): Promise<void> {
    await this.#connect();
  }

  /** Closes the connection. The next call opens another. */
  close(): void {
    const open = this.#open;
    this.#open = null;
    void open?.then((database) => database.close(), () => {/* its caller has the error */});
  }

  async #begin(mode: "readonly" | "readwrite"): Promise<Transaction> {
    const open = this.#connect();
    try {
      return (await open).transaction(STORE, mode);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "InvalidStateError") throw error;
      // The connection was closed meanwhile.
      if (this.#open === open) this.#open = null;
      return (await this.#connect()).transaction(STORE, mode);
    }
  }

  #connect(): Promise<OpenDatabase> {
    if (this.#open) return this.#open;
    const open = openDatabase(this.#name, this.#factory);
    const forget = () => {
      if (this.#open === open) this.#open = null;
    };
    void open.then((database) => {
      database.addEventListener("versionchange", () => {
        forget();
        database.close();
      });
      database.addEventListener("close", forget);
    }, forget);
    this.#open = open;
    return open;
  }
}

/** Resolves with the result of a request. */
export function resultOf<T>(request: DatabaseRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });
}

function ended(transaction: Transaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener("complete", () => resolve());
    transaction.addEventListener("abort", () => reject(transaction.error));
  });
}

function openDatabase(name: string, factory: DatabaseFactory | undefined): Promise<OpenDatabase> {
  return new Promise((resolve, reject) => {
    let isGivenUp = false;
    const giveUp = (why: string, cause?: unknown) => {
      isGivenUp = true;
      clearTimeout(timer);
      reject(new Error(`The database ${name} cannot be opened: ${why}`, { cause }));
    };
    const timer = setTimeout(() => giveUp("the browser does not answer."), OPEN_MS);
    let request: OpenRequest;
    try {
      // If storage is forbidden, even reading the global throws.
      const indexedDb = factory ?? page.indexedDB;
      if (!indexedDb) return giveUp("there is no IndexedDB here.");
      request = indexedDb.open(name, VERSION);
    } catch (cause) {
      return giveUp("the browser does not allow it.", cause);
    }
    request.addEventListener("upgradeneeded", () => createStore(request.result));
    request.addEventListener("blocked", () => {
      giveUp("another page has an older version of it open; close or reload that page.");
    });
    request.addEventListener("error", () => giveUp(reasonOf(request.error), request.error));
    request.addEventListener("success", () => {
      clearTimeout(timer);
      if (isGivenUp) request.result.close();
      else resolve(request.result);
    });
  });
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return "the browser does not say why.";
  if (error.name === "VersionError") return "a newer version of this program has made it; reload the page.";
  return `${error.name}: ${error.message}`;
}

function createStore(database: OpenDatabase): void {
  // An ascending key retains the order of `put`.
  const store = database.createObjectStore(STORE, { keyPath: "place", autoIncrement: true });
  store.createIndex(BY_MESSAGE, ["owner", "room", "id"], { unique: true });
  store.createIndex(BY_ROOM, ["owner", "room"], { unique: false });
  store.createIndex(BY_OWNER, ["owner"], { unique: false });
}

/**
 * The used part of IndexedDB as plain types, so that servers without DOM types compile. A browser's
 * `indexedDB` fits.
 */

/** A pending request. */
export interface DatabaseRequest<T> {
  readonly result: T;
  readonly error: unknown;
  addEventListener(type: "success" | "error", listener: () => void): void;
}

/** A request to open a database. */
export interface OpenRequest {
  readonly result: OpenDatabase;
  readonly error: unknown;
  addEventListener(type: "success" | "error" | "blocked" | "upgradeneeded", listener: () => void): void;
}

/** A database connection. */
export interface OpenDatabase {
  createObjectStore(name: string, options: { keyPath: string; autoIncrement: boolean }): ObjectStore;
  transaction(store: string, mode: "readonly" | "readwrite"): Transaction;
  close(): void;
  addEventListener(type: "versionchange" | "close", listener: () => void): void;
}

/** An atomic group of requests. */
export interface Transaction {
  readonly error: unknown;
  objectStore(name: string): ObjectStore;
  /** Commits without waiting for the answers of the requests; missing in browsers before 2022. */
  commit?(): void;
  addEventListener(type: "complete" | "abort", listener: () => void): void;
}

/** A store of records. */
export interface ObjectStore {
  createIndex(name: string, keyPath: string[], options: { unique: boolean }): unknown;
  index(name: string): ObjectIndex;
  put(record: unknown): DatabaseRequest<unknown>;
  delete(key: number): DatabaseRequest<unknown>;
}

/** An index of records. */
export interface ObjectIndex {
  get(key: string[]): DatabaseRequest<unknown>;
  getAll(key: string[]): DatabaseRequest<unknown[]>;
}

/** A browser's `indexedDB`. */
export interface DatabaseFactory {
  open(name: string, version: number): OpenRequest;
}

/** The used part of a browser's `navigator.locks`. */
export interface LockManager {
  request<T>(
    name: string,
    options: { mode?: "exclusive" | "shared"; signal?: AbortSignal },
    callback: () => Promise<T>,
  ): Promise<T>;
}

/** Globals of a page; servers have fewer. */
export const page = globalThis as {
  readonly indexedDB?: DatabaseFactory;
  readonly navigator?: { readonly locks?: LockManager };
};

/**
 * The part of IndexedDB that is used, as plain types: with the DOM's own a page that is written in TypeScript would need them, and so
 * would every server that imports this. A browser's `indexedDB` fits.
 */

/** Something that is under way. */
export interface DatabaseRequest<T> {
  readonly result: T;
  readonly error: unknown;
  addEventListener(type: "success" | "error", listener: () => void): void;
}

/** A database that is being opened. */
export interface OpenRequest {
  readonly result: OpenDatabase;
  readonly error: unknown;
  addEventListener(type: "success" | "error" | "blocked" | "upgradeneeded", listener: () => void): void;
}

/** A connection to a database. */
export interface OpenDatabase {
  createObjectStore(name: string, options: { keyPath: string; autoIncrement: boolean }): ObjectStore;
  transaction(store: string, mode: "readonly" | "readwrite"): Transaction;
  close(): void;
  addEventListener(type: "versionchange" | "close", listener: () => void): void;
}

/** Requests that are done together or not at all. */
export interface Transaction {
  readonly error: unknown;
  objectStore(name: string): ObjectStore;
  addEventListener(type: "complete" | "abort", listener: () => void): void;
}

/** Where records are. */
export interface ObjectStore {
  createIndex(name: string, keyPath: string[], options: { unique: boolean }): unknown;
  index(name: string): ObjectIndex;
  put(record: unknown): DatabaseRequest<unknown>;
  delete(key: number): DatabaseRequest<unknown>;
}

/** Records by something else than their key. */
export interface ObjectIndex {
  get(key: string[]): DatabaseRequest<unknown>;
  getAll(key: string[]): DatabaseRequest<unknown[]>;
}

/** A browser's `indexedDB`. */
export interface DatabaseFactory {
  open(name: string, version: number): OpenRequest;
}

/** The part of a browser's `navigator.locks` that is used. */
export interface LockManager {
  request<T>(
    name: string,
    options: { mode?: "exclusive" | "shared"; signal?: AbortSignal },
    callback: () => Promise<T>,
  ): Promise<T>;
}

/** What a page has as globals; servers have less. */
export const page = globalThis as {
  readonly indexedDB?: DatabaseFactory;
  readonly navigator?: { readonly locks?: LockManager };
};

/** Kind of a token; `banned` belongs to a user who may not be in the room. */
export type TokenKind = "good" | "expired" | "banned";

/** Addresses of a scenario. */
export interface Addresses {
  /** The room's address through a network that can fail. */
  readonly proxied: string;
  /** The same room's address, always reachable. */
  readonly direct: string;
}

/** Actions of a test for a scenario, with JSON arguments. */
export interface StageActions {
  where(): Addresses;
  token(what: { readonly user: string; readonly kind: TokenKind }): Promise<string>;
  publish(what: { readonly count: number }): Promise<null>;
  cut(): null;
  refuse(): null;
  hold(): null;
  mend(): null;
  requests(): readonly string[];
}

/** Requests actions of the test over HTTP, which every runtime has. */
export class Stage {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  where(): Promise<Addresses> {
    return this.#ask("where");
  }

  /** A token, as somebody's session would have it. */
  token(user: string, kind: TokenKind = "good"): Promise<string> {
    return this.#ask("token", { user, kind });
  }

  /** Bob publishes `{ n: 1 }` to `{ n: count }` as `chat` over HTTP, one after the other. */
  async publish(count: number): Promise<void> {
    await this.#ask("publish", { count });
  }

  /** Breaks off every connection through the proxy; new ones can be made at once. */
  async cut(): Promise<void> {
    await this.#ask("cut");
  }

  /** Breaks off every connection through the proxy, and refuses new ones. */
  async refuse(): Promise<void> {
    await this.#ask("refuse");
  }

  /** Lets nothing through any more, in either direction, and tells nobody. */
  async hold(): Promise<void> {
    await this.#ask("hold");
  }

  /** Undoes `refuse` and `hold`. */
  async mend(): Promise<void> {
    await this.#ask("mend");
  }

  /** Paths that were asked for through the proxy, in order. */
  requests(): Promise<readonly string[]> {
    return this.#ask("requests");
  }

  async #ask<Name extends keyof StageActions>(
    name: Name,
    what: Parameters<StageActions[Name]>[0] = undefined,
  ): Promise<Awaited<ReturnType<StageActions[Name]>>> {
    const response = await fetch(`${this.#address}/${name}`, {
      method: "POST",
      body: JSON.stringify(what ?? {}),
    });
    if (!response.ok) throw new Error(`${name}: ${await response.text()}`);
    return await response.json();
  }
}

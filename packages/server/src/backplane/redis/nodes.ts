import { BackplaneUnavailable } from "../contract.ts";
import { SLOTS } from "./address.ts";
import { createConnection } from "./connection.ts";
import { Link, type LinkListener } from "./redis_link.ts";
import type { Settings } from "./redis_options.ts";

/** Whom the nodes tell; the link is the one it is about. */
export interface NodesListener {
  readonly onUp: (link: Link) => void;
  readonly onDown: (link: Link) => void;
  /** `run` names the process that published it. */
  readonly onMessage: (channel: string, payload: string, run: string) => void;
  /** Slots may be elsewhere now. */
  readonly onMoved: () => void;
}

/** The servers that there are. */
export interface Nodes {
  /** The link to the server that has a slot; undefined while that is not known. */
  linkOf(slot: number): Link | undefined;
  /** The link to the server at an address, as a redirection names it. */
  linkTo(node: string): Link;
  /** All servers, for whether they can be used. */
  links(): Promise<readonly Link[]>;
  /** Finds out where slots are. Resolves in any case. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to what the options name.
 * @throws {TypeError} where a URL is none of Redis; it does not say which, since there is a password in it
 */
export function createNodes(settings: Settings, listener: NodesListener): Nodes {
  const urls = "url" in settings.place ? [settings.place.url] : settings.place.cluster;
  const areRight = urls.every((url) => /^rediss?:$/.test(URL.parse(url)?.protocol ?? ""));
  if (!areRight || urls.length === 0) {
    throw new TypeError("Redis is named by URLs that begin with redis:// or rediss://.");
  }
  return "url" in settings.place
    ? new SingleNode(settings.place.url, settings, listener)
    : new ClusterNodes(settings.place.cluster, settings, listener);
}

class SingleNode implements Nodes {
  readonly #link: Link;

  constructor(url: string, settings: Settings, listener: NodesListener) {
    this.#link = openLink(new URL(url).host || "its socket", url, settings, listener);
  }

  linkOf(): Link {
    return this.#link;
  }

  linkTo(): Link {
    return this.#link;
  }

  links(): Promise<readonly Link[]> {
    return Promise.resolve([this.#link]);
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#link.close();
  }
}

/** A cluster's masters. Where slots are is asked for at the start, when a server says that one has moved, and when one is lost. */
class ClusterNodes implements Nodes {
  readonly #seeds: readonly string[];
  readonly #settings: Settings;
  readonly #listener: NodesListener;
  readonly #links = new Map<string, Link>();
  readonly #nodeOf: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  #refreshing: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(seeds: readonly string[], settings: Settings, listener: NodesListener) {
    this.#seeds = seeds;
    this.#settings = settings;
    this.#listener = listener;
    void this.refresh();
  }

  linkOf(slot: number): Link | undefined {
    const node = this.#nodeOf[slot];
    return node === undefined ? undefined : this.#links.get(node);
  }

  linkTo(node: string): Link {
    const known = this.#links.get(node);
    if (known) return known;
    const link = openLink(node, this.#urlOf(node), this.#settings, {
      ...this.#listener,
      onMoved: () => void this.refresh(),
      onDown: (lost) => {
        this.#listener.onDown(lost);
        // It may have a successor by now.
        this.#refreshLater();
      },
    });
    this.#links.set(node, link);
    return link;
  }

  async links(): Promise<readonly Link[]> {
    if (this.#nodeOf.includes(undefined)) await this.refresh();
    if (this.#nodeOf.includes(undefined)) {
      throw new BackplaneUnavailable("The cluster does not serve all slots.");
    }
    return [...this.#links.values()];
  }

  refresh(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return this.#refreshing ??= this.#refresh().finally(() => this.#refreshing = undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#refreshing;
    await Promise.all(Array.from(this.#links.values(), (link) => link.close()));
  }

  async #refresh(): Promise<void> {
    const known = Array.from(this.#links.keys(), (node) => this.#urlOf(node));
    for (const url of new Set([...known, ...this.#seeds])) {
      if (this.#isClosed) return;
      try {
        return this.#take(await readSlots(url, this.#settings));
      } catch (error) {
        this.#settings.onEvent({ type: "failed", error });
      }
    }
    this.#refreshLater();
  }

  #refreshLater(): void {
    if (this.#isClosed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.refresh();
    }, this.#settings.retryMs * (0.1 + this.#settings.random() / 10));
  }

  #take(nodeOf: readonly (string | undefined)[]): void {
    if (this.#isClosed) return;
    for (let slot = 0; slot < SLOTS; slot++) this.#nodeOf[slot] = nodeOf[slot];
    const nodes = new Set(nodeOf.filter((node) => node !== undefined));
    for (const node of nodes) this.linkTo(node);
    for (const [node, link] of this.#links) {
      if (nodes.has(node)) continue;
      this.#links.delete(node);
      link.close().catch((error: unknown) => this.#settings.onEvent({ type: "failed", error }));
    }
    if (nodeOf.includes(undefined)) this.#refreshLater();
    this.#listener.onMoved();
  }

  /** A node's URL: user, password and TLS are those of the first one that is named. */
  #urlOf(node: string): string {
    const url = new URL(this.#seeds[0] ?? "redis://");
    const colon = node.lastIndexOf(":");
    url.hostname = node.slice(0, colon).includes(":") ? `[${node.slice(0, colon)}]` : node.slice(0, colon);
    url.port = node.slice(colon + 1);
    return url.href;
  }
}

function openLink(node: string, url: string, settings: Settings, listener: NodesListener): Link {
  const linkListener: LinkListener = {
    onUp: () => listener.onUp(link),
    onDown: () => listener.onDown(link),
    onMessage: listener.onMessage,
    onMoved: listener.onMoved,
  };
  const link = new Link(node, url, settings, linkListener);
  return link;
}

/** Asks one node which one has each slot. */
async function readSlots(url: string, settings: Settings): Promise<(string | undefined)[]> {
  const client = createConnection(url, settings);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {/* whoever waits is told */});
  client.on("error", failed.reject);
  const { connectMs } = settings;
  const giveUp = () => failed.reject(new Error(`Asking a node took longer than ${connectMs} ms.`));
  const late = setTimeout(giveUp, connectMs);
  const asking = client.connect().then(() => client.sendCommand(["CLUSTER", "SLOTS"]));
  asking.catch(() => {/* whoever waits is told */});
  try {
    return slotsOf(await Promise.race([asking, failed.promise]), new URL(url).hostname);
  } finally {
    clearTimeout(late);
    client.destroy();
  }
}

/** Reads the answer to CLUSTER SLOTS; a node that does not know its own name is the one that was asked. */
function slotsOf(reply: unknown, asked: string): (string | undefined)[] {
  const nodeOf: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  if (!Array.isArray(reply)) return nodeOf;
  for (const range of reply) {
    const [first, last, master] = Array.isArray(range) ? range : [];
    if (!Array.isArray(master)) continue;
    const [host, port] = master;
    nodeOf.fill(`${host || asked}:${port}`, Number(first), Number(last) + 1);
  }
  return nodeOf;
}

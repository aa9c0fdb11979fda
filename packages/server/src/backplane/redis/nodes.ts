import { BackplaneUnavailable } from "../contract.ts";
import { probeKeyOf, SLOTS } from "./address.ts";
import { createConnection } from "./connection.ts";
import { Link, type LinkListener, type LinkTarget } from "./redis_link.ts";
import type { ResolvedOptions } from "./redis_options.ts";

/** Receives events of all links. */
export interface NodesListener {
  readonly onUp: (link: Link) => void;
  readonly onDown: (link: Link) => void;
  /** `runId` is the server run id of the publishing server. */
  readonly onMessage: (channel: string, payload: string, runId: string) => void;
  /** Slots may have moved to other servers. */
  readonly onMoved: () => void;
}

/** The known servers: a single one, or the masters of a cluster. */
export interface Nodes {
  /** Returns the link to the server of a slot; undefined while the server is unknown. */
  linkOf(slot: number): Link | undefined;
  /** Returns the link to the server at the address that a redirection names. */
  linkTo(node: string): Link;
  /** Returns the links to all servers; rejects if a slot has no server. */
  links(): Promise<readonly Link[]>;
  /** Reads the servers of all slots. Never rejects. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Connects to the servers that the options name.
 * @throws {TypeError} if a URL is invalid; the message omits the URL, which may hold a password
 */
export function createNodes(options: ResolvedOptions, listener: NodesListener): Nodes {
  const urls = "url" in options.place ? [options.place.url] : options.place.cluster;
  const areValid = urls.every((url) => /^rediss?:$/.test(URL.parse(url)?.protocol ?? ""));
  if (!areValid || urls.length === 0) {
    throw new TypeError("Invalid Redis URL: every URL must begin with redis:// or rediss://.");
  }
  if (!urls.every((url) => /^\/?\d{0,5}$/.test(URL.parse(url)?.pathname ?? ""))) {
    throw new TypeError("Invalid Redis URL: the path must be the number of a database, for example /1.");
  }
  return "url" in options.place
    ? new SingleNode(options.place.url, options, listener)
    : new ClusterNodes(options.place.cluster, options, listener);
}

class SingleNode implements Nodes {
  readonly #link: Link;

  constructor(url: string, options: ResolvedOptions, listener: NodesListener) {
    const node = new URL(url).host || "its socket";
    const probeKey = () => probeKeyOf(options.prefix, () => true);
    this.#link = openLink({ node, url, probeKey }, options, listener);
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

/**
 * The masters of a cluster. Reads the servers of slots at the start, after a redirection, and when
 * a server is lost.
 */
class ClusterNodes implements Nodes {
  readonly #seeds: readonly string[];
  readonly #options: ResolvedOptions;
  readonly #listener: NodesListener;
  readonly #links = new Map<string, Link>();
  readonly #nodeOf: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  #refreshing: Promise<void> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(seeds: readonly string[], options: ResolvedOptions, listener: NodesListener) {
    this.#seeds = seeds;
    this.#options = options;
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
    const probeKey = () => probeKeyOf(this.#options.prefix, (slot) => this.#nodeOf[slot] === node);
    const link = openLink({ node, url: this.#urlOf(node), probeKey }, this.#options, {
      ...this.#listener,
      onMoved: () => void this.refresh(),
      onDown: (lost) => {
        this.#listener.onDown(lost);
        // A replica may have replaced the lost master.
        this.#refreshLater();
      },
    });
    this.#links.set(node, link);
    return link;
  }

  async links(): Promise<readonly Link[]> {
    if (this.#nodeOf.includes(undefined)) await this.refresh();
    if (this.#nodeOf.includes(undefined)) {
      throw new BackplaneUnavailable("The Redis cluster does not serve all slots. Check CLUSTER INFO.");
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
        return this.#applySlots(await readSlots(url, this.#options));
      } catch (error) {
        this.#options.onEvent({ type: "failed", error });
      }
    }
    this.#refreshLater();
  }

  #refreshLater(): void {
    if (this.#isClosed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.refresh();
    }, this.#options.retryMs * (0.1 + this.#options.random() / 10));
  }

  #applySlots(nodeOf: readonly (string | undefined)[]): void {
    if (this.#isClosed) return;
    for (let slot = 0; slot < SLOTS; slot++) this.#nodeOf[slot] = nodeOf[slot];
    const nodes = new Set(nodeOf.filter((node) => node !== undefined));
    for (const node of nodes) this.linkTo(node);
    for (const [node, link] of this.#links) {
      if (nodes.has(node)) continue;
      this.#links.delete(node);
      link.close().catch((error: unknown) => this.#options.onEvent({ type: "failed", error }));
    }
    if (nodeOf.includes(undefined)) this.#refreshLater();
    this.#listener.onMoved();
  }

  /** Builds a node's URL with the user, password and TLS of the first configured URL. */
  #urlOf(node: string): string {
    const url = new URL(this.#seeds[0] ?? "redis://");
    const colon = node.lastIndexOf(":");
    url.hostname = node.slice(0, colon).includes(":") ? `[${node.slice(0, colon)}]` : node.slice(0, colon);
    url.port = node.slice(colon + 1);
    return url.href;
  }
}

function openLink(target: LinkTarget, options: ResolvedOptions, listener: NodesListener): Link {
  const linkListener: LinkListener = {
    onUp: () => listener.onUp(link),
    onDown: () => listener.onDown(link),
    onMessage: listener.onMessage,
    onMoved: listener.onMoved,
  };
  const link = new Link(target, options, linkListener);
  return link;
}

/** Reads the node of each slot from one node. */
async function readSlots(url: string, options: ResolvedOptions): Promise<(string | undefined)[]> {
  const client = createConnection(url, options);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {/* the race below reports it */});
  client.on("error", failed.reject);
  const { connectMs } = options;
  const giveUp = () => failed.reject(new Error(`CLUSTER SLOTS took longer than ${connectMs} ms.`));
  const timeout = setTimeout(giveUp, connectMs);
  const reading = client.connect().then(() => client.sendCommand(["CLUSTER", "SLOTS"]));
  reading.catch(() => {/* the race below reports it */});
  try {
    return slotsOf(await Promise.race([reading, failed.promise]), new URL(url).hostname);
  } finally {
    clearTimeout(timeout);
    client.destroy();
  }
}

/**
 * Parses a reply of CLUSTER SLOTS; a node without a host is the one that replied, at `askedHost`.
 */
function slotsOf(reply: unknown, askedHost: string): (string | undefined)[] {
  const nodeOf: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  if (!Array.isArray(reply)) return nodeOf;
  for (const range of reply) {
    const [first, last, master] = Array.isArray(range) ? range : [];
    if (!Array.isArray(master)) continue;
    const [host, port] = master;
    nodeOf.fill(`${host || askedHost}:${port}`, Number(first), Number(last) + 1);
  }
  return nodeOf;
}

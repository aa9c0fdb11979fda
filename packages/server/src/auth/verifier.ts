import type { LocalVerifier } from "./local_verifier.ts";
import type { User } from "./user.ts";
import { refused, type Verification, type Verifier } from "./verification.ts";

/** What a verifier is composed of. */
export interface VerifierOptions {
  /** Undefined where policy is to ask Auth about every token. */
  readonly local: LocalVerifier | undefined;
  /** Undefined where there is no key to ask Auth with. */
  readonly remote: Verifier | undefined;
  /** How many verified tokens are remembered. */
  readonly cacheEntries: number;
  /** A verified token is verified again after this time, in milliseconds, even when it has not expired. */
  readonly cacheMaxAgeMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Longer than any real access token; a longer one is refused before anything is computed from it. */
const MAX_TOKEN_LENGTH = 16_384;

interface Remembered {
  readonly user: User;
  readonly untilMs: number;
}

/**
 * Creates the verifier that the app uses: local keys first, Auth where no local key can decide, and a bounded memory,
 * so that a repeated token is verified once, however many connections bring it at the same moment.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { local, remote, cacheEntries, cacheMaxAgeMs, now } = options;
  // Insertion order is age: the first entry is the one that goes when there are too many.
  const remembered = new Map<string, Remembered>();
  const underWay = new Map<string, Promise<Verification>>();

  async function decide(token: string): Promise<Verification> {
    const verification = local ? await local.verify(token) : "no_key";
    if (verification !== "no_key") return verification;
    return remote
      ? await remote.verify(token)
      : refused("invalid_token", "The token is signed with a key that this function does not have.");
  }

  function remember(token: string, user: User): void {
    const untilMs = Math.min(user.expiresAt * 1000, now() + cacheMaxAgeMs);
    if (untilMs <= now() || cacheEntries === 0) return;
    remembered.delete(token);
    remembered.set(token, { user, untilMs });
    if (remembered.size <= cacheEntries) return;
    for (const oldest of remembered.keys()) {
      remembered.delete(oldest);
      break;
    }
  }

  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) return refused("invalid_token", "The token is too long.");
      const known = remembered.get(token);
      if (known) {
        if (now() < known.untilMs) return { ok: true, user: known.user };
        remembered.delete(token);
      }
      let deciding = underWay.get(token);
      if (!deciding) {
        deciding = decide(token).finally(() => underWay.delete(token));
        underWay.set(token, deciding);
      }
      const verification = await deciding;
      if (verification.ok) remember(token, verification.user);
      return verification;
    },
  };
}

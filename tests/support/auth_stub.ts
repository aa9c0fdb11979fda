import { jwtVerify } from "jose";
import { createIssuer, type Issuer, type TokenOptions } from "../../packages/cli/dev/issuer.ts";
import { type Answer, answerAuthError, answerKeys, answerUser } from "./project_stub.ts";

/**
 * Stub of Supabase Auth with sessions. Its answers follow internal/api/auth.go and user.go of
 * supabase/auth: it verifies the signature, then looks for the session that the token names.
 */
export class AuthStub {
  readonly issuer: Issuer;
  /** Users of sessions that have not ended, by session id. */
  readonly #sessions = new Map<string, string>();
  /** Requests that Auth answers before it answers 429; infinite by default. */
  requestsLeft = Infinity;

  private constructor(issuer: Issuer) {
    this.issuer = issuer;
  }

  static async create(issuer?: Issuer): Promise<AuthStub> {
    return new AuthStub(issuer ?? await createIssuer());
  }

  /** Signs a user in. Resolves with the access token of a new session. */
  async signIn(user: string, { claims, header }: TokenOptions = {}): Promise<string> {
    const session = crypto.randomUUID();
    this.#sessions.set(session, user);
    return await this.issuer.token(user, {
      claims: { session_id: session, ...claims },
      ...(header ? { header } : {}),
    });
  }

  /** Ends every session of a user, as a global sign-out, a ban and a deletion do. */
  signOut(user: string): void {
    for (const [session, owner] of this.#sessions) if (owner === user) this.#sessions.delete(session);
  }

  /** Answers with the public keys. */
  readonly keys: Answer = (request) => answerKeys(this.issuer.jwks)(request);

  /** Answers `GET /auth/v1/user`. */
  readonly user: Answer = async (request) => {
    if (--this.requestsLeft < 0) return answerAuthError(429, "over_request_rate_limit")(request);
    const token = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    try {
      const { payload } = await jwtVerify(token, this.issuer.publicKey);
      const isEnded = !this.#sessions.has(String(payload["session_id"]));
      return await (isEnded ? answerAuthError(403, "session_not_found") : answerUser(String(payload.sub)))(
        request,
      );
    } catch {
      return answerAuthError(403, "bad_jwt")(request);
    }
  };
}

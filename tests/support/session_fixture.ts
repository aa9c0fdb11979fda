import { AuthStub } from "./auth_stub.ts";
import { type ProjectStub, remotePolicy, startProjectStub } from "./project_stub.ts";
import { type RunningServer, type StartOptions, startServer } from "./running_server.ts";

/** A server under `AUTH_POLICY=remote`, with an Auth that knows sessions. */
export interface SessionFixture extends AsyncDisposable {
  readonly auth: AuthStub;
  readonly project: ProjectStub;
  readonly running: RunningServer;
}

/** Starts both; the tokens of open connections are verified again each second. */
export async function startWithSessions(
  { env, ...options }: StartOptions = {},
): Promise<SessionFixture> {
  const auth = await AuthStub.create();
  const project = startProjectStub({ user: auth.user });
  const running = await startServer({
    ...options,
    issuer: auth.issuer,
    env: { ...remotePolicy(project.url), AUTH_CACHE_SECONDS: "1", AUTH_REFUSAL_SECONDS: "0", ...env },
  });
  return {
    auth,
    project,
    running,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await project[Symbol.asyncDispose]();
    },
  };
}

import { parseMetadata, type UploadMetadata } from "./upload_metadata.ts";

/** Received request to deploy a function. */
export interface Deployment {
  readonly projectRef: string;
  readonly slug: string;
  readonly metadata: UploadMetadata;
  /** Bytes of each uploaded file by path in the project. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Stub of Supabase's management API on loopback. */
export interface ManagementApi extends AsyncDisposable {
  readonly url: string;
  readonly accessToken: string;
  /** Deployments in the order of arrival. */
  readonly deployments: readonly Deployment[];
}

const LIST_PATH = new URLPattern({ pathname: "/v1/projects/:ref/functions" });
const DEPLOY_PATH = new URLPattern({ pathname: "/v1/projects/:ref/functions/deploy" });

/**
 * Starts the stub. Lists no functions, records deployments, and answers other requests with 404.
 */
export function startManagementApi(): ManagementApi {
  // A fake token in the format that the CLI accepts.
  const accessToken = `sbp_${"0".repeat(40)}`;
  const deployments: Deployment[] = [];

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    if (request.headers.get("authorization") !== `Bearer ${accessToken}`) return problem(401, "Unauthorized");
    // The CLI requests the list only if config.toml does not set verify_jwt.
    if (request.method === "GET" && LIST_PATH.test(request.url)) return Response.json([]);
    const projectRef = DEPLOY_PATH.exec(request.url)?.pathname.groups.ref;
    const slug = new URL(request.url).searchParams.get("slug");
    if (request.method !== "POST" || !projectRef || !slug) return problem(404, "Not found");
    const form = await request.formData();
    deployments.push({
      projectRef,
      slug,
      metadata: parseMetadata(form.get("metadata")),
      files: await readFiles(form.getAll("file")),
    });
    return Response.json({ id: slug, slug, name: slug, status: "ACTIVE", version: 1 }, { status: 201 });
  });

  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    accessToken,
    deployments,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function readFiles(entries: readonly FormDataEntryValue[]): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of entries) {
    if (typeof entry === "string") throw new TypeError("A `file` of the upload is not a file.");
    if (files.has(entry.name)) throw new TypeError(`${entry.name} was uploaded twice.`);
    files.set(entry.name, new Uint8Array(await entry.arrayBuffer()));
  }
  return files;
}

function problem(status: number, message: string): Response {
  return Response.json({ message }, { status });
}

import { clockShiftedBy, isWithoutFakeTime } from "./shifted_clock.ts";

/** Validity begins this long ago, in seconds, so that isolates with slow clocks accept it too. */
const BACKDATED_SECONDS = 3_600;

/** Files of a certificate for 127.0.0.1 and of its authority. `await using` removes them. */
export interface Certificate extends AsyncDisposable {
  readonly certificate: string;
  readonly key: string;
  /** Certificate of the authority; a client that trusts it trusts `certificate`. */
  readonly authority: string;
}

/** Creates a certificate with openssl and a new authority, valid for a day. */
export async function createCertificate(): Promise<Certificate> {
  const directory = await Deno.makeTempDir({ prefix: "rooms-tls-" });
  const end = () => Deno.remove(directory, { recursive: true });
  const path = (name: string): string => `${directory}/${name}`;
  try {
    const fresh = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-x509"];
    await openssl(
      "req",
      ...fresh,
      "-subj",
      "/CN=authority",
      "-keyout",
      path("ca.key"),
      "-out",
      path("ca.pem"),
    );
    await openssl(
      ...["req", ...fresh, "-subj", "/CN=127.0.0.1", "-CA", path("ca.pem"), "-CAkey", path("ca.key")],
      ...["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", path("key.pem"), "-out", path("certificate.pem")],
    );
    return {
      certificate: path("certificate.pem"),
      key: path("key.pem"),
      authority: path("ca.pem"),
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function openssl(...args: readonly string[]): Promise<void> {
  // OpenSSL sets the begin of validity to its clock; an option for it exists from version 3.4 on.
  const env = isWithoutFakeTime ? {} : clockShiftedBy(-BACKDATED_SECONDS);
  const command = new Deno.Command("openssl", { args: [...args], env, stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) throw new Error(`openssl failed: ${new TextDecoder().decode(stderr)}`);
}

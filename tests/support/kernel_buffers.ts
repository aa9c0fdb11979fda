const MEBIBYTE = 1_048_576;

/** Largest size of both ends' kernel buffers: bytes that fit before a peer must read. */
export async function kernelBufferBytes(): Promise<number> {
  if (Deno.build.os !== "linux") return 16 * MEBIBYTE;
  const largest = await Promise.all(
    ["tcp_wmem", "tcp_rmem"].map((name) => Deno.readTextFile(`/proc/sys/net/ipv4/${name}`)),
  );
  return largest.reduce((sum, line) => sum + Number(line.trim().split(/\s+/).at(-1)), 0);
}

/**
 * The files below a folder whose names end with `ending`, as paths from that folder, sorted.
 * @throws {Error} at a link: links are not followed here, and the CLI would not upload what they lead to
 */
export async function listFiles(folder: URL, ending: string): Promise<string[]> {
  const found: string[] = [];
  async function visit(path: string): Promise<void> {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(new URL(path, folder))) {
      if (isSymlink) {
        throw new Error(`${folder.pathname}${path}${name} is a link: what it leads to would be left out.`);
      }
      if (isDirectory) await visit(`${path}${name}/`);
      else if (name.endsWith(ending)) found.push(path + name);
    }
  }
  await visit("");
  return found.sort();
}

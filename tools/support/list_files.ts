/**
 * Lists the files below a folder with names that end with `ending`, as sorted paths from that
 * folder.
 * @throws {Error} at a link: links are not followed, and the Supabase CLI would not upload their
 * targets
 */
export async function listFiles(folder: URL, ending: string): Promise<string[]> {
  const found: string[] = [];
  async function visit(path: string): Promise<void> {
    for await (const { name, isDirectory, isSymlink } of Deno.readDir(new URL(path, folder))) {
      if (isSymlink) {
        throw new Error(
          `${folder.pathname}${path}${name} is a link, and its target would be left out: replace it by a copy.`,
        );
      }
      if (isDirectory) await visit(`${path}${name}/`);
      else if (name.endsWith(ending)) found.push(path + name);
    }
  }
  await visit("");
  return found.sort();
}

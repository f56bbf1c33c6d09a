import type { SiteEntry, SiteFiles } from '../kind.ts'

/** Files of a site by path; what ends with `.sh` is executable. */
export function memoryFiles(files: Readonly<Record<string, string>>): SiteFiles & { close(): void } {
  const below = (folder: string): string[] =>
    Object.keys(files)
      .filter((path) => folder === '' || path.startsWith(`${folder}/`))
      .sort()
  const entryOf = (path: string): SiteEntry => ({
    path,
    kind: path.endsWith('.sh') ? 'executable' : 'file',
    identity: `content ${files[path] ?? ''}`,
  })
  return {
    read: (path) => Promise.resolve(files[path] === undefined ? undefined : Buffer.from(files[path])),
    list: (folder) => Promise.resolve(below(folder)),
    entries: (folder) => Promise.resolve(below(folder).map(entryOf)),
    close: () => {},
  }
}

import type { SiteFiles } from '../../core/index.ts'

/** Names of all secrets that a site has. */
export async function secretNames(files: SiteFiles): Promise<string[]> {
  return (await files.list('secrets')).flatMap((path) => /^secrets\/(.+)\.age$/.exec(path)?.[1] ?? [])
}

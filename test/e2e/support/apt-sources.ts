import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Whether this host has an APT source that a real distribution can be mirrored from. */
export async function hasAptSources(): Promise<boolean> {
  const folder = '/etc/apt/sources.list.d'
  const names = existsSync(folder) ? await readdir(folder) : []
  const files = [
    '/etc/apt/sources.list',
    ...names.filter((name) => /\.(?:list|sources)$/.test(name)).map((name) => join(folder, name)),
  ]
  const texts = await Promise.all(files.filter((file) => existsSync(file)).map((file) => readFile(file, 'utf8')))
  return texts.some((text) => /^(?:deb\s|Types:.*\bdeb\b)/m.test(text))
}

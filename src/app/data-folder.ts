import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Every path that Larder keeps below its data folder. docs/design.md draws the whole tree. */
export interface DataFolder {
  readonly root: string
  readonly database: string
  readonly keys: string
  readonly siteRepository: string
  readonly cache: string
  /** Where the running controller listens and the pid it has: removed when it stops. */
  readonly address: string
  readonly adminToken: string
  readonly githubSecrets: string
}

/** `--data`, else LARDER_DATA, else /var/lib/larder for root and ~/.local/share/larder for others. */
export function dataFolderAt(root: string | undefined, environment: NodeJS.ProcessEnv): DataFolder {
  const isRoot = process.getuid?.() === 0
  const chosen =
    root ?? environment['LARDER_DATA'] ?? (isRoot ? '/var/lib/larder' : join(homedir(), '.local/share/larder'))
  return {
    root: chosen,
    database: join(chosen, 'larder.db'),
    keys: join(chosen, 'keys'),
    siteRepository: join(chosen, 'site.git'),
    cache: join(chosen, 'cache'),
    address: join(chosen, 'controller.json'),
    adminToken: join(chosen, 'admin-token'),
    githubSecrets: join(chosen, 'github-secrets'),
  }
}

export async function createDataFolder(folder: DataFolder): Promise<void> {
  await mkdir(folder.root, { recursive: true, mode: 0o750 })
  await mkdir(folder.keys, { recursive: true, mode: 0o700 })
  await mkdir(folder.cache, { recursive: true })
}

/** Reads a file of secrets, one a line; makes one with a random secret, readable by its owner only, at first use. */
export async function readOrMakeSecrets(path: string): Promise<string[]> {
  const existing = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  })
  const secrets = (existing ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (secrets.length > 0) return secrets
  const secret = randomBytes(24).toString('base64url')
  await writeFile(`${path}.new`, `${secret}\n`, { mode: 0o600 })
  await chmod(`${path}.new`, 0o600)
  await rename(`${path}.new`, path)
  return [secret]
}

import { mkdir, stat } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { LarderError, readIfThere } from '../core/index.ts'

/** Every path that Larder keeps below its data folder. docs/design.md draws the whole tree. */
export interface DataFolder {
  readonly root: string
  readonly database: string
  /** Where deliveries are kept before the database has them. */
  readonly deliveries: readonly [string, string]
  readonly keys: string
  /** Keys of previews: nobody who trusts them trusts a mirror's, or the other way round. */
  readonly previewKeys: string
  readonly siteRepository: string
  readonly cache: string
  /** Images that are being built: nothing in it outlives the process. */
  readonly builds: string
  /** Keys of machines, and what they are made of. */
  readonly machines: string
  /** Packages that were added by hand, by mirror. */
  readonly own: string
  /** Where the running controller listens and the pid it has: removed when it stops. */
  readonly address: string
  readonly adminToken: string
  /** The authority of this site, and the certificate of this server. */
  readonly tls: string
  /** Signs the short-lived tokens of the registry. */
  readonly registryTokenKey: string
}

/** `--data`, else LARDER_DATA, else /var/lib/larder for root and ~/.local/share/larder for others. USAGE. */
export function dataFolderAt(root: string | undefined, environment: NodeJS.ProcessEnv): DataFolder {
  if (root === '') {
    throw new LarderError('USAGE', {
      message: '--data names no folder: what was given is empty.',
      hint: 'Give a folder, or leave the option out: LARDER_DATA, or the usual folder of this user, is taken then.',
    })
  }
  const usual = process.getuid?.() === 0 ? '/var/lib/larder' : join(homedir(), '.local/share/larder')
  // A variable that is empty is none: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html
  const chosen = root ?? (environment['LARDER_DATA'] || usual)
  return {
    root: chosen,
    database: join(chosen, 'larder.db'),
    deliveries: [join(chosen, 'deliveries-1.journal'), join(chosen, 'deliveries-2.journal')],
    keys: join(chosen, 'keys'),
    previewKeys: join(chosen, 'preview-keys'),
    siteRepository: join(chosen, 'site.git'),
    cache: join(chosen, 'cache'),
    builds: join(chosen, 'builds'),
    machines: join(chosen, 'machines'),
    own: join(chosen, 'own'),
    address: join(chosen, 'controller.json'),
    adminToken: join(chosen, 'admin-token'),
    tls: join(chosen, 'tls'),
    registryTokenKey: join(chosen, 'registry-token-key'),
  }
}

/** The file of the secrets that webhooks are signed with. */
export function hookSecretsOf(
  { root }: DataFolder,
  { type, secretsFile }: { type: string; secretsFile?: string | undefined },
): string {
  return resolve(root, secretsFile ?? `${type}-secrets`)
}

/** DATA_UNUSABLE. */
export async function createDataFolder(folder: DataFolder): Promise<void> {
  await makeFolder(folder.root).catch((cause: unknown) => {
    throw new LarderError('DATA_UNUSABLE', {
      message: `The data folder ${folder.root} cannot be made: ${(cause as Error).message}.`,
      hint: 'Give a folder that this user may write to, by --data or LARDER_DATA.',
      cause,
    })
  })
  await refuseForeign(folder.root)
  await mkdir(folder.keys, { recursive: true, mode: 0o700 })
  await mkdir(join(folder.cache, 'rpm'), { recursive: true })
}

/** What root writes into another user's folder, that user cannot change afterwards. */
async function refuseForeign(path: string): Promise<void> {
  const { uid } = await stat(path)
  if (process.getuid?.() !== 0 || uid === 0) return
  throw new LarderError('DATA_UNUSABLE', {
    message: `The data folder ${path} belongs to the user with id ${uid}, and root would leave files in it that are not theirs.`,
    hint: `Run the command as that user: runuser -u "$(id -nu ${uid})" -- larder …`,
  })
}

/** With its parents, one by one: `recursive` never ends where a file system answers ENOENT to every new folder, as /proc does. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o750 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    if (code !== 'ENOENT' || (await isThere(dirname(path)))) throw error
    await makeFolder(dirname(path))
    await mkdir(path, { mode: 0o750 })
  }
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Reads a file of secrets, one a line; makes one with a random secret, readable by its owner only, at first use. */
export async function readOrMakeSecrets(path: string): Promise<string[]> {
  const found = await readIfThere(path)
  const secrets = linesOf(found?.toString() ?? '')
  if (secrets.length > 0) return secrets
  const { makePrivateFile, writePrivateFile } = await import('../publish/index.ts')
  const text = `${randomBytes(24).toString('base64url')}\n`
  // Another process may make one just now: both have the same.
  if (found === undefined) return linesOf(await makePrivateFile(path, text))
  await writePrivateFile(path, text)
  return linesOf(text)
}

function linesOf(text: string): string[] {
  const trimmed = text.split('\n').map((line) => line.trim())
  return trimmed.filter((line) => line !== '')
}

import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ailment, DoctorCheck } from '../check.ts'

/** What is secret is readable by its owner alone. */
export const modesCheck: DoctorCheck = {
  name: 'permissions',
  async look({ dataFolder }) {
    const keyFiles = (await readdir(dataFolder.keys).catch(absent)) ?? []
    const looked: Allowed[] = [
      { path: dataFolder.root, mode: 0o750, severity: 'warning', what: 'the data folder' },
      { path: dataFolder.keys, mode: 0o700, severity: 'error', what: 'the folder of the signing keys' },
      ...keyFiles.map((name) => ({
        path: join(dataFolder.keys, name),
        mode: 0o600,
        severity: 'error' as const,
        what: 'a signing key',
      })),
      { path: dataFolder.tls, mode: 0o700, severity: 'error', what: 'the folder of the authority of this site' },
      {
        path: join(dataFolder.machines, 'credentials'),
        mode: 0o700,
        severity: 'error',
        what: 'the folder of what machines are logged in to with',
      },
      {
        path: join(dataFolder.root, 'age-identity'),
        mode: 0o600,
        severity: 'error',
        what: 'what opens the secrets of the site',
      },
      { path: dataFolder.registryTokenKey, mode: 0o600, severity: 'error', what: 'the key of tokens of the registry' },
      { path: dataFolder.adminToken, mode: 0o600, severity: 'error', what: 'the admin token' },
      ...secretFiles.map((name) => ({
        path: join(dataFolder.root, name),
        mode: 0o600,
        severity: 'error' as const,
        what: 'a secret that forges and Larder share',
      })),
    ]
    return (await Promise.all(looked.map(lookAtMode))).flat()
  },
}

/** As they are called unless controller.yaml says otherwise. */
const secretFiles = [
  'github-secrets',
  'gitlab-secrets',
  'gitea-secrets',
  'forgejo-secrets',
  'forge-token',
  'notify-secret',
]

interface Allowed {
  path: string
  /** Most that may be allowed. */
  mode: number
  severity: Ailment['severity']
  what: string
}

async function lookAtMode({ path, mode, severity, what }: Allowed): Promise<Ailment[]> {
  const found = await stat(path).catch(absent)
  if (found === undefined) return []
  const excess = found.mode & 0o777 & ~mode
  if (excess === 0) return []
  const others = (excess & 0o007) === 0 ? 'its group' : 'every user of this host'
  return [
    {
      severity,
      subject: path,
      message: `${path}, ${what}, is open to ${others} (mode ${octal(found.mode & 0o777)}).`,
      hint:
        severity === 'error'
          ? `chmod ${octal(mode)} ${path}; if others may have read it, replace it.`
          : `chmod ${octal(mode)} ${path}`,
      mend: () => chmod(path, mode),
    },
  ]
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

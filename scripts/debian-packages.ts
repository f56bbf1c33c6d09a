import { readFile } from 'node:fs/promises'
import { runCommand } from './command.ts'

/**
 * Makes sure that packages of Debian are there: installs those that are missing when it may. `packages`: what each is for.
 * Answers why they cannot be, or undefined when they are.
 */
export async function ensurePackages(
  packages: Readonly<Record<string, string>>,
  tell: (line: string) => void,
): Promise<string | undefined> {
  if (!(await isDebian())) return 'its programs come from the packages of Debian, and this is another system'
  const missing = await missingPackages(Object.keys(packages))
  if (missing.length === 0) return undefined
  if (process.getuid?.() !== 0) {
    return `not root, so these packages cannot be installed: ${missing.join(' ')}`
  }
  tell(`installing ${missing.map((name) => `${name} (${packages[name] ?? ''})`).join(', ')}`)
  return install(missing, tell)
}

async function isDebian(): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^ID(?:_LIKE)?="?(?:[a-z]+ )*debian\b/m.test(release)
}

async function missingPackages(names: readonly string[]): Promise<string[]> {
  const { output } = await runCommand('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\\n', '--', ...names])
  const installed = new Set(
    output.split('\n').flatMap((line) => (line.startsWith('installed ') ? [line.slice('installed '.length)] : [])),
  )
  return names.filter((name) => !installed.has(name))
}

/** Without `apt-get update` first, which is slow and most often needless; with it when that fails. */
async function install(names: readonly string[], tell: (line: string) => void): Promise<string | undefined> {
  // invoke-rc.d(8): servers that come with packages are not started; tests start their own.
  const environment = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const wait = ['-o', 'DPkg::Lock::Timeout=300']
  const installing = [...wait, 'install', '-y', '--no-install-recommends', '--', ...names]
  const first = await runCommand('apt-get', installing, { environment })
  if (first.exitCode === 0) return undefined
  tell('apt-get update, since the package lists of this machine are missing or old')
  const update = await runCommand('apt-get', [...wait, 'update'], { environment })
  const second = await runCommand('apt-get', installing, { environment })
  if (second.exitCode === 0) return undefined
  tell(update.output + second.output)
  return `apt-get cannot install ${names.join(' ')}`
}

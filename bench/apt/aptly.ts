import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { measureProcess, type ProcessResult } from '../measure-process.ts'
import type { Distribution } from './distribution.ts'

const run = promisify(execFile)

/** Whether Contents are made is aptly's choice by an option; the quicker one counts for the ratio. */
export const variants = ['skip-contents', 'contents'] as const
export type Variant = (typeof variants)[number]

/** Seconds of a job in each variant: what both share is counted in both. */
export type VariantSeconds = Record<Variant, number>

export interface Aptly {
  name: string
  /** Armored public key that its publications are signed with. */
  publicKeyArmored: string
  /** Empty state. */
  reset(): Promise<void>
  /** mirror create, mirror update, snapshot create, publish snapshot. */
  first(upstreamUrl: string): Promise<VariantSeconds>
  /** mirror update. */
  refresh(): Promise<number>
  /** mirror edit, mirror update, snapshot create, publish switch. */
  plusOne(): Promise<VariantSeconds>
  /** Folder that an apt client reads. */
  published(variant: Variant): string
  peakMiB(): number
}

export async function openAptly(folder: string, { suite, architecture, keyring }: Distribution): Promise<Aptly> {
  const key = await makeKey(join(folder, 'gnupg'))
  const root = join(folder, 'root')
  const config = join(folder, 'aptly.json')
  await writeFile(config, JSON.stringify({ rootDir: root, architectures: [architecture] }))
  let peakMiB = 0
  const aptly = async (...args: string[]): Promise<number> => {
    const result: ProcessResult = await measureProcess('aptly', [`-config=${config}`, ...args], {
      env: key.environment,
    })
    peakMiB = Math.max(peakMiB, result.peakMiB)
    return result.seconds
  }
  const publishing = (variant: Variant): string[] => [
    '-batch',
    `-gpg-key=${key.fingerprint}`,
    ...(variant === 'contents' ? [] : ['-skip-contents']),
  ]
  const inVariants = async (shared: number, one: (variant: Variant) => Promise<number>): Promise<VariantSeconds> => ({
    'skip-contents': shared + (await one('skip-contents')),
    contents: shared + (await one('contents')),
  })
  const { stdout: version } = await run('aptly', ['version'])
  return {
    name: `aptly ${/[0-9.]+/.exec(version)?.[0] ?? ''}`,
    publicKeyArmored: key.publicKeyArmored,
    async reset() {
      await rm(root, { recursive: true, force: true })
    },
    async first(upstreamUrl) {
      const filter = ['-filter=nginx | postgresql', '-filter-with-deps']
      const created = await aptly(
        'mirror',
        'create',
        ...filter,
        `-keyring=${keyring}`,
        'base',
        upstreamUrl,
        suite,
        'main',
      )
      const updated = await aptly('mirror', 'update', `-keyring=${keyring}`, 'base')
      const taken = await aptly('snapshot', 'create', 'one', 'from', 'mirror', 'base')
      return inVariants(created + updated + taken, (variant) =>
        aptly('publish', 'snapshot', ...publishing(variant), `-distribution=${suite}`, 'one', variant),
      )
    },
    refresh: () => aptly('mirror', 'update', `-keyring=${keyring}`, 'base'),
    async plusOne() {
      const edited = await aptly('mirror', 'edit', '-filter=nginx | postgresql | nmap', 'base')
      const updated = await aptly('mirror', 'update', `-keyring=${keyring}`, 'base')
      const taken = await aptly('snapshot', 'create', 'two', 'from', 'mirror', 'base')
      return inVariants(edited + updated + taken, (variant) =>
        aptly('publish', 'switch', ...publishing(variant), suite, variant, 'two'),
      )
    },
    published: (variant) => join(root, 'public', variant),
    peakMiB: () => peakMiB,
  }
}

/** A signing key without passphrase, of the kind that Larder makes too. */
async function makeKey(
  home: string,
): Promise<{ fingerprint: string; publicKeyArmored: string; environment: NodeJS.ProcessEnv }> {
  await mkdir(home, { recursive: true, mode: 0o700 })
  const environment = { ...process.env, GNUPGHOME: home, LC_ALL: 'C' }
  const gpg = (...args: string[]) =>
    run('gpg', ['--batch', '--quiet', '--passphrase', '', ...args], { env: environment })
  await gpg('--quick-gen-key', 'Bench <bench@example.org>', 'ed25519', 'sign', 'never')
  const { stdout } = await gpg('--list-keys', '--with-colons')
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1]
  if (fingerprint === undefined) throw new Error('gpg made no key')
  const { stdout: publicKeyArmored } = await gpg('--armor', '--export', fingerprint)
  return { fingerprint, publicKeyArmored, environment }
}

/** The agent that gpg started for the key. */
export async function stopAgent(folder: string): Promise<void> {
  await run('gpgconf', ['--homedir', join(folder, 'gnupg'), '--kill', 'gpg-agent'])
}

import { createHash, randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { link, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { digestFromHex, LarderError, Mutex, type Clock } from '../core/index.ts'
import type { AnyFormat, MirrorConfig, OwnFile, OwnPackage, OwnPolicy, OwnUpstream } from '../mirror/index.ts'
import { getSetting, setSetting, type State } from '../state/index.ts'
import { onDisk, syncFolder } from '../store/index.ts'
import { isThere } from './data-folder.ts'

/** A mirror that packages are added to. */
export interface OwnTarget {
  name: string
  format: AnyFormat
  mirror: MirrorConfig
  readKey: OwnPolicy['readKey']
  signingKey: OwnPolicy['signingKey']
}

/**
 * Packages of one's own, in the data folder:
 *
 *     own/<mirror>/<revision>/   packages, and the index files and keys that make a repository of them
 *
 * Each change makes a new revision, of links to the packages and new indices, and then one setting says that it is
 * the one. Killed anywhere, the setting leads to a revision that is whole. The one before stays for runs that read it.
 */
export class OwnPackages {
  readonly #state: State
  readonly #clock: Clock
  readonly #folder: string
  /** One change after the other. */
  readonly #turn = new Mutex()

  constructor({ state, clock, folder }: { state: State; clock: Clock; folder: string }) {
    this.#state = state
    this.#clock = clock
    this.#folder = folder
  }

  async upstream(mirror: string): Promise<OwnUpstream | undefined> {
    const known = await this.#revision(mirror)
    if (known === undefined || known.packages.length === 0) return undefined
    // Where the data folder is now: it may have been moved, or restored elsewhere.
    const folder = this.#revisionFolder(mirror, known.number)
    const { config, packages, keyFiles = [] } = known
    const keys = [
      ...((config['keys'] as readonly string[] | undefined) ?? []),
      ...keyFiles.map((path) => join(folder, path)),
    ]
    const url = pathToFileURL(`${folder}/`).href
    return { config: { ...config, url, ...(keys.length > 0 && { keys }) }, packages }
  }

  async list(mirror: string): Promise<readonly OwnPackage[]> {
    return (await this.#revision(mirror))?.packages ?? []
  }

  /**
   * Durable when this answers. A package that is there already, with the same content, is left as it is.
   * OWN_PACKAGE_REFUSED, OWN_PACKAGE_CONFLICT, APT_DEB_MALFORMED, RPM_MALFORMED, SIGNATURE_*, KEY_LOCKED, SIZE_MISMATCH,
   * DISK_FULL.
   */
  async add(target: OwnTarget, label: string, content: Readable, signal: AbortSignal): Promise<OwnPackage> {
    const folder = join(this.#folder, target.name)
    await onDisk(label, () => mkdir(folder, { recursive: true }))
    const path = join(folder, `${uploadPrefix}${randomBytes(8).toString('hex')}`)
    try {
      const file = await receive(content, { path, label, signal })
      const { mirror, readKey, signingKey } = target
      const policy = { mirror, readKey, signingKey, now: this.#clock.now(), signal }
      const added = await target.format.own.accept(file, policy)
      await this.#turn.run(async () => this.#put(target, { added, path }, signal))
      return added
    } finally {
      await rm(path, { force: true })
    }
  }

  /** Answers those that were removed; a version of none is every one. NOT_FOUND. */
  async remove(
    target: OwnTarget,
    { name, version }: { name: string; version?: string | undefined },
    signal: AbortSignal,
  ): Promise<OwnPackage[]> {
    return this.#turn.run(async () => {
      const before = await this.list(target.name)
      const isMeant = (one: OwnPackage): boolean => one.name === name && (version ?? one.version) === one.version
      const removed = before.filter(isMeant)
      if (removed.length === 0) {
        throw new LarderError('NOT_FOUND', {
          message: `Mirror ${target.name} has no package ${name}${version === undefined ? '' : ` ${version}`} of its own.`,
          hint: before.length === 0 ? 'It has none at all.' : `It has: ${before.map((one) => one.name).join(', ')}.`,
        })
      }
      const rest = before.filter((one) => !isMeant(one))
      await onDisk(`The indices without ${name}`, () => this.#write(target, rest, { signal }))
      return removed
    })
  }

  /** What a process that was killed had received and not added, and revisions begun or no longer kept. Only while nothing is being added. */
  async removeLeftovers(): Promise<void> {
    if (!(await isThere(this.#folder))) return
    for (const mirror of await readdir(this.#folder)) {
      const current = (await this.#revision(mirror))?.number ?? 0
      for (const entry of await readdir(join(this.#folder, mirror)))
        if (entry.startsWith(uploadPrefix) || Number(entry) > current || Number(entry) < current - 1)
          await rm(join(this.#folder, mirror, entry), { recursive: true, force: true })
    }
  }

  async #put(target: OwnTarget, { added, path }: { added: OwnPackage; path: string }, signal: AbortSignal) {
    const before = await this.list(target.name)
    const same = before.find((one) => one.fileName === added.fileName)
    if (same !== undefined && isSameFile(same, added)) return
    if (same !== undefined) {
      throw new LarderError('OWN_PACKAGE_CONFLICT', {
        message: `Mirror ${target.name} has ${added.fileName} already, with other content.`,
        hint: 'Clients would see a checksum change under one version. Build it with a new version, or remove the old one first.',
        context: { fileName: added.fileName },
      })
    }
    const arrived = { fileName: added.fileName, path }
    await onDisk(added.fileName, () => this.#write(target, [...before, added], { signal, arrived }))
  }

  async #write(
    { name, format, mirror, signingKey }: OwnTarget,
    packages: readonly OwnPackage[],
    { signal, arrived }: { signal: AbortSignal; arrived?: { fileName: string; path: string } },
  ): Promise<void> {
    const before = await this.#revision(name)
    const number = (before?.number ?? 0) + 1
    const folder = this.#revisionFolder(name, number)
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    for (const { fileName } of packages) {
      const from =
        fileName === arrived?.fileName ? arrived.path : join(this.#revisionFolder(name, before!.number), fileName)
      await link(from, join(folder, fileName))
    }
    const keys = await keysOf(packages, before?.keys ?? {}, signingKey)
    const policy = { mirror, now: this.#clock.now(), signal, keys: Object.values(keys) }
    const { files, config, keyFiles } = await format.own.describe(folder, packages, policy)
    for (const { path, bytes } of files) await writeDurably(join(folder, path), bytes)
    await syncFolder(folder)
    await syncFolder(dirname(folder))
    const revision: Revision = { number, config, packages: [...packages], keys, ...(keyFiles && { keyFiles }) }
    await setSetting(this.#state, settingKey(name), JSON.stringify(revision))
    await this.#tidy(name, number)
  }

  async #tidy(name: string, number: number): Promise<void> {
    const kept = [number, number - 1].map(String)
    for (const entry of await readdir(join(this.#folder, name)))
      if (/^\d+$/.test(entry) && !kept.includes(entry)) await rm(join(this.#folder, name, entry), { recursive: true })
  }

  async #revision(mirror: string): Promise<Revision | undefined> {
    const text = await getSetting(this.#state, settingKey(mirror))
    return text === undefined ? undefined : (JSON.parse(text) as Revision)
  }

  #revisionFolder(mirror: string, number: number): string {
    return join(this.#folder, mirror, String(number))
  }
}

interface Revision {
  number: number
  config: OwnUpstream['config']
  packages: OwnPackage[]
  /** Armored public keys of the mirror that packages were signed with here, by fingerprint. Of before there were any: none. */
  keys?: Record<string, string>
  keyFiles?: readonly string[]
}

function isSameFile(one: OwnPackage, other: OwnPackage): boolean {
  const given = ({ givenDigest, digest }: OwnPackage): string => givenDigest ?? digest
  return one.digest === other.digest || given(one) === given(other)
}

/** What a mirror's key was when it signed something stays known for as long as that is there, whatever it is now. */
async function keysOf(
  packages: readonly OwnPackage[],
  before: Readonly<Record<string, string>>,
  signingKey: OwnTarget['signingKey'],
): Promise<Record<string, string>> {
  const signedHere = packages.filter(({ givenDigest }) => givenDigest !== undefined)
  const keys: Record<string, string> = {}
  for (const { signedBy = '' } of signedHere)
    keys[signedBy] ??= before[signedBy] ?? (await signingKey()).publicKeyArmored
  return keys
}

const settingKey = (mirror: string): string => `mirror/${mirror}/own`
const uploadPrefix = '.upload-'
/** As much as a package of an upstream may have. */
const mostBytes = 8 * 1024 ** 3

async function receive(
  content: Readable,
  { path, label, signal }: { path: string; label: string; signal: AbortSignal },
): Promise<OwnFile> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  const measure = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      if (sizeBytes > mostBytes) throw tooLarge(label)
      hash.update(chunk)
      yield chunk
    }
  }
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true })
  await onDisk(label, () => pipeline(content, measure, file, { signal }))
  return { path, label, sizeBytes, digest: digestFromHex(hash.digest('hex')) }
}

function tooLarge(label: string): LarderError {
  return new LarderError('SIZE_MISMATCH', { message: `${label} is larger than ${mostBytes / 1024 ** 3} GiB.` })
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(`${path}.new`, bytes, { flush: true })
  await rename(`${path}.new`, path)
  await syncFolder(dirname(path))
}

import { isLarderError, LarderError, retell, type Progress } from '../../core/index.ts'
import { checkRepomdSignature } from './check-signature.ts'
import { generationOf, refuseOlder, type Generation } from './check-repomd.ts'
import { nameOf } from './checksum.ts'
import { chooseFiles } from './choose-files.ts'
import type { DataFile } from './data-file.ts'
import { fetchFiles } from './fetch-files.ts'
import type { RepositoryReader } from './find-addresses.ts'
import { readRepomd, type ReadRepomd } from './read-repomd.ts'
import type { Repository } from './repository.ts'
import {
  recallRepository,
  rememberRepository,
  type RememberedRepository,
  type RepositoryMemory,
} from './repository-memory.ts'
import { describe, type RepositorySource } from './repository-source.ts'

export interface RepositoryLoader extends RepositoryReader {
  memory: RepositoryMemory
  progress: Progress
}

/** repomd.xml read before an upstream that keeps changing is given up. */
const maxRounds = 3

/**
 * Brings one repository up to date: repomd.xml by a conditional request, verified and checked; its data files into
 * the store, under the lease. When a data file is not what was promised, repomd.xml is read again, since the upstream
 * may have changed in between. Never falls back to old data by itself. RPM_*, SIGNATURE_*, FETCH_*, DIGEST_MISMATCH,
 * SIZE_MISMATCH, DISK_FULL, CANCELLED.
 */
export async function loadRepository(loader: RepositoryLoader, source: RepositorySource): Promise<Repository> {
  const remembered = await recallHere(loader, source)
  try {
    return await loadInRounds(loader, source, remembered)
  } catch (error) {
    if (!isLarderError(error) || error.code === 'CANCELLED') throw error
    const last = remembered === undefined ? '' : ` (last read well at ${remembered.readAt})`
    const where = error.message.includes(describe(source)) ? '' : `${describe(source)}: `
    throw retell(error, `${where}${error.message}${last}`, {
      ...(remembered === undefined ? {} : { lastGoodAt: remembered.readAt }),
      upstream: source.upstream,
    })
  }
}

async function loadInRounds(
  loader: RepositoryLoader,
  source: RepositorySource,
  remembered: RememberedRepository | undefined,
): Promise<Repository> {
  const known = remembered && (await withBlobs(loader, remembered))
  let before: Generation | undefined = remembered
  let last: ReadRepomd | undefined
  for (let round = 1; ; round++) {
    let read: ReadRepomd | undefined
    try {
      read = await readRepomd(loader, source, round === 1 ? known : undefined)
      checkRepomdSignature(read, source, remembered)
      refuseOlder(generationOf(read.repomd), before, source)
      return await withFiles(loader, source, { read, remembered })
    } catch (error) {
      if (!isSignOfChange(error)) throw error
      // Read twice and still the same: it is wrong, and not about to change.
      if (last !== undefined && read?.blob === last.blob && read.signatureBlob === last.signatureBlob) throw error
      if (round === maxRounds) throw read === undefined ? error : changed(source, error)
      loader.progress.log(`${describe(source)} changed while it was read; reading it again`)
      if (read !== undefined) before = generationOf(read.repomd)
      last = read ?? last
    }
  }
}

/** What was remembered, unless it is of another place. */
async function recallHere(
  { memory }: RepositoryLoader,
  source: RepositorySource,
): Promise<RememberedRepository | undefined> {
  const remembered = await recallRepository(memory, source.upstream)
  return remembered?.place === placeKey(source) ? remembered : undefined
}

/** Without its bytes, a 304 would leave us with nothing to verify. */
async function withBlobs(
  { store }: RepositoryLoader,
  remembered: RememberedRepository,
): Promise<RememberedRepository | undefined> {
  const { repomd, signature, list } = remembered
  const blobs = [repomd, ...(signature === undefined ? [] : [signature]), ...(list === undefined ? [] : [list.blob])]
  const there = await Promise.all(blobs.map((blob) => store.has(blob)))
  return there.every(Boolean) ? remembered : undefined
}

async function withFiles(
  loader: RepositoryLoader,
  source: RepositorySource,
  { read, remembered }: { read: ReadRepomd; remembered: RememberedRepository | undefined },
): Promise<Repository> {
  const chosen = chooseFiles(read.repomd)
  if (!chosen.has('primary')) throw noPrimary(source)
  const filelists = chosen.get('filelists')
  const wanted = [...chosen.values()].filter(({ type }) => type !== 'filelists')
  const known = remembered?.files ?? []
  const files = await fetchFiles(loader, source, { files: wanted, baseUrls: read.baseUrls, known })
  const kept = known.filter(({ promised }) => filelists !== undefined && promised === nameOf(filelists.checksum))
  await rememberRepository(loader.memory, source.upstream, {
    ...toRemembered(source, read, loader.now),
    files: [...files.map(rememberedFile), ...kept],
  })
  const { timestamp } = generationOf(read.repomd)
  return {
    source,
    upstream: source.upstream,
    repomd: read.repomd,
    signers: read.signers,
    baseUrls: read.baseUrls,
    files: new Map(files.map((file) => [file.type, file])),
    filelists,
    madeAt: timestamp > 0 ? new Date(timestamp * 1000) : loader.now,
    notes: notesOf(source, read),
  }
}

/** Fetches `filelists` of a repository too, and remembers it. As `loadRepository`. */
export async function loadFilelists(loader: RepositoryLoader, repository: Repository): Promise<DataFile | undefined> {
  const { source, filelists, baseUrls } = repository
  if (filelists === undefined) return undefined
  const remembered = await recallHere(loader, source)
  const known = remembered?.files ?? []
  const [file] = await fetchFiles(loader, source, { files: [filelists], baseUrls, known })
  if (file === undefined || remembered === undefined) return file
  const others = known.filter(({ promised }) => promised !== nameOf(file.checksum))
  await rememberRepository(loader.memory, source.upstream, { ...remembered, files: [...others, rememberedFile(file)] })
  return file
}

function rememberedFile({ checksum, digest, sizeBytes }: DataFile): RememberedRepository['files'][number] {
  return { promised: nameOf(checksum), digest, sizeBytes }
}

function toRemembered(source: RepositorySource, read: ReadRepomd, now: Date): Omit<RememberedRepository, 'files'> {
  return {
    form: 1,
    place: placeKey(source),
    ...(read.list === undefined ? {} : { list: read.list }),
    repomd: read.blob,
    ...(read.signatureBlob === undefined ? {} : { signature: read.signatureBlob }),
    validators: read.validators,
    baseUrl: read.baseUrls[0] ?? '',
    readAt: now.toISOString(),
    ...generationOf(read.repomd),
  }
}

function placeKey({ place }: RepositorySource): string {
  return JSON.stringify(place)
}

/** A file that is gone, or other than promised, is what an upstream looks like while it is being updated. */
function isSignOfChange(error: unknown): boolean {
  return isLarderError(
    error,
    'DIGEST_MISMATCH',
    'SIZE_MISMATCH',
    'FETCH_TOO_LARGE',
    'RPM_INDEX_MISSING',
    'SIGNATURE_BAD',
  )
}

function notesOf(source: RepositorySource, read: ReadRepomd): string[] {
  if (source.keyring === undefined)
    return [`${describe(source)}: NOT VERIFIED, since unsigned packages and metadata are allowed there`]
  if (read.signers.length > 0) return []
  const packages = source.gpgcheck ? 'its packages are' : 'nor are its packages: NOT VERIFIED'
  return [`${describe(source)}: the signature of repomd.xml is not checked; ${packages}`]
}

function noPrimary(source: RepositorySource): LarderError {
  return new LarderError('RPM_INDEX_MISSING', {
    message: `${describe(source)}: repomd.xml promises no primary`,
    context: { upstream: source.upstream },
  })
}

function changed(source: RepositorySource, cause: unknown): LarderError {
  return new LarderError('RPM_UPSTREAM_CHANGED', {
    message: `${describe(source)}: changed ${maxRounds} times while it was being read`,
    hint: 'it is probably being updated: try again in some minutes',
    cause,
    context: { upstream: source.upstream },
  })
}

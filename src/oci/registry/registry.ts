import type { Readable } from 'node:stream'
import type { Clock, Digest } from '../../core/index.ts'
import type { State } from '../../state/index.ts'
import type { BlobStore, CollectableLeases, LocalBlobs } from '../../store/index.ts'
import type { Descriptor } from '../descriptor.ts'
import type { OciDigest, Reference, RepositoryName } from '../reference.ts'
import { absentBlobs, type AbsentBlobs } from './absent-blobs.ts'
import { Blobs } from './blobs.ts'
import { holdersOf, holdersOfStored, type Holder } from './holders.ts'
import { Manifests } from './manifests.ts'
import { manifestNaming } from './naming.ts'
import { listReferrers } from './referrers.ts'
import { registryRoots } from './roots.ts'
import { listRepositories, listTags } from './tags.ts'
import { tidyRegistry } from './tidy.ts'
import { Uploads } from './uploads.ts'
import { registryUsage, type RegistryUsage } from './usage.ts'

export interface BlobInfo {
  digest: OciDigest
  sizeBytes: number
}

export interface OpenBlob extends BlobInfo {
  /** From `start` (default 0) to `end`, exclusive (default: the size). */
  open(range?: { start: number; end: number }): Promise<Readable>
  /** The file that holds exactly these bytes, where there is one. */
  localPath: string | undefined
}

export interface ManifestInfo {
  digest: OciDigest
  /** As it was pushed, without parameters. */
  mediaType: string
  sizeBytes: number
}

export interface PutManifest extends ManifestInfo {
  subject: OciDigest | undefined
}

export interface Page {
  items: string[]
  /** There is more after the last of them. */
  more: boolean
}

export interface ReferrerPage {
  /** Descriptors of manifests, in the order of their digests. */
  descriptors: Descriptor[]
  more: boolean
}

/** A part of an upload: where the client says that it begins, and its bytes. */
export interface UploadPart {
  body: AsyncIterable<Uint8Array>
  /** Default: wherever the upload has come to. */
  startBytes?: number | undefined
  /** More or fewer bytes are OCI_SIZE_INVALID. Default: as many as come. */
  lengthBytes?: number | undefined
}

/**
 * An OCI registry on the store of packages: what distribution-spec 1.1 asks of one, without HTTP. What a call has
 * answered to is durable. Blobs that no manifest names yet are kept for a time after their last use, so that a push
 * that found them there can count on them.
 */
export interface Registry {
  /** Undefined when the repository has none; looking for it keeps it a while longer. */
  blob(repository: RepositoryName, digest: OciDigest): Promise<OpenBlob | undefined>
  /** OCI_BLOB_UNKNOWN, OCI_BLOB_IN_USE. */
  removeBlob(repository: RepositoryName, digest: OciDigest): Promise<void>
  /** Bytes that the store has, under a lease of the caller, become a blob of the repository. */
  adoptBlob(repository: RepositoryName, blob: BlobInfo & { stored: Digest }): Promise<void>
  /** Makes a blob of another repository one of this, too. False when that has none. */
  mountBlob(repository: RepositoryName, digest: OciDigest, from: RepositoryName): Promise<boolean>
  /** Repositories that it could be mounted from; of many, a hundred. */
  holders(digest: OciDigest): Promise<RepositoryName[]>
  /** All that have one of these blobs of the store. */
  holdersOfStored(stored: readonly Digest[]): Promise<Holder[]>

  /** Answers with the name of the upload, which holds for a day after its last use and through restarts. */
  beginUpload(repository: RepositoryName): Promise<string>
  /** Bytes that it holds. OCI_UPLOAD_UNKNOWN. */
  uploadOffset(repository: RepositoryName, id: string): Promise<number>
  /** Answers with the bytes that it holds then. What came before an error is kept. OCI_UPLOAD_UNKNOWN, OCI_RANGE_INVALID, OCI_SIZE_INVALID, DISK_FULL. */
  writeUpload(repository: RepositoryName, id: string, part: UploadPart): Promise<number>
  /** As writeUpload with the last part, then checks and adopts the bytes. OCI_DIGEST_INVALID: the upload is gone. */
  finishUpload(repository: RepositoryName, id: string, digest: OciDigest, part: UploadPart): Promise<BlobInfo>
  /** OCI_UPLOAD_UNKNOWN. */
  cancelUpload(repository: RepositoryName, id: string): Promise<void>

  /**
   * Takes a manifest under a tag or its digest. What it names must be there, but for its subject.
   * OCI_MANIFEST_INVALID, OCI_MANIFEST_TOO_LARGE, OCI_MANIFEST_INCOMPLETE, OCI_DIGEST_INVALID, OCI_TAG_IMMUTABLE.
   */
  putManifest(repository: RepositoryName, reference: Reference, manifest: NewManifest): Promise<PutManifest>
  manifest(repository: RepositoryName, reference: Reference): Promise<ManifestInfo | undefined>
  /** Exactly the bytes that were pushed. OCI_MANIFEST_UNKNOWN. */
  manifestContent(repository: RepositoryName, digest: OciDigest): Promise<Uint8Array>
  /** Some manifest that has this blob, by its digest. */
  manifestNaming(repository: RepositoryName, blob: OciDigest): Promise<OciDigest | undefined>
  /** A tag leaves its manifest there; a digest takes its tags with it. OCI_MANIFEST_UNKNOWN. */
  removeManifest(repository: RepositoryName, reference: Reference): Promise<void>

  /** In the order of their bytes, those after `last`. Undefined when there is no such repository. */
  tags(repository: RepositoryName, page: { count?: number; last?: string }): Promise<Page | undefined>
  repositories(page: { count?: number; last?: string }): Promise<Page>
  /** Manifests whose subject it is, there or not. `count` default 1,000. */
  referrers(
    repository: RepositoryName,
    subject: OciDigest,
    filter: { artifactType?: string; last?: string; count?: number },
  ): Promise<ReferrerPage>

  /** Every blob of the store that a repository has: not for gc. */
  roots(): AsyncIterable<Digest>
  /** What repositories should have and the store has not: looked for by the length of each file, not by its bytes. */
  absentBlobs(signal?: AbortSignal): Promise<AbsentBlobs[]>
  /** What it holds, counted over all rows. */
  usage(): Promise<RegistryUsage>
  /** Of uploads, which go on after a restart. */
  leaseHolders(): Promise<string[]>
  /** Forgets uploads, blobs and manifests that nobody needs any more; the store's gc frees their bytes then. */
  tidy(signal?: AbortSignal): Promise<{ uploads: number; manifests: number; blobs: number }>
  /** Suspends uploads: they go on after the next start. */
  close(): Promise<void>
}

export interface NewManifest {
  bytes: Uint8Array
  /** Without parameters. Default: what the manifest says itself. */
  contentType?: string | undefined
  /** Tags that come to name what is put by its digest, all or none. Default: none. */
  tags?: readonly string[]
  /** The tag never comes to name anything else, nor do `tags`: pushing over it is OCI_TAG_IMMUTABLE. Default: false. */
  isFixed?: boolean
  /** What it names is fetched when somebody asks for it. Default: false, which is OCI_MANIFEST_INCOMPLETE. */
  isPartial?: boolean
}

export interface RegistryOptions {
  state: State
  store: BlobStore & Partial<LocalBlobs>
  leases: CollectableLeases
  clock: Clock
  /** How long blobs that no manifest names, and manifests without a tag, are kept after their last use. Default 24 h. */
  keepUnusedMs?: number
}

export function createRegistry(options: RegistryOptions): Registry {
  const { state } = options
  const keepUnusedMs = options.keepUnusedMs ?? 24 * 3600_000
  const blobs = new Blobs(options, keepUnusedMs)
  const uploads = new Uploads(options, blobs)
  const manifests = new Manifests(options, keepUnusedMs)
  return {
    blob: (repository, digest) => blobs.open(repository, digest),
    removeBlob: (repository, digest) => blobs.remove(repository, digest),
    adoptBlob: (repository, blob) => blobs.add(repository, blob),
    mountBlob: (repository, digest, from) => blobs.mount(repository, digest, from),
    holders: (digest) => holdersOf(state, digest),
    holdersOfStored: (stored) => holdersOfStored(state, stored),
    beginUpload: (repository) => uploads.begin(repository),
    uploadOffset: (repository, id) => uploads.offset(repository, id),
    writeUpload: (repository, id, part) => uploads.write(repository, id, part),
    finishUpload: (repository, id, digest, part) => uploads.finish(repository, id, { digest, part }),
    cancelUpload: (repository, id) => uploads.cancel(repository, id),
    putManifest: (repository, reference, manifest) => manifests.put(repository, reference, manifest),
    manifest: (repository, reference) => manifests.find(repository, reference),
    manifestContent: (repository, digest) => manifests.content(repository, digest),
    manifestNaming: (repository, blob) => manifestNaming(state.db, repository, blob),
    removeManifest: (repository, reference) => manifests.remove(repository, reference),
    tags: (repository, page) => listTags(state, repository, page),
    repositories: (page) => listRepositories(state, page),
    referrers: (repository, subject, filter) => listReferrers({ state, manifests }, { repository, subject, ...filter }),
    leaseHolders: () => uploads.leaseHolders(),
    usage: () => registryUsage(state),
    absentBlobs: (signal) => absentBlobs({ ...options, signal }),
    roots: () => registryRoots(state),
    tidy: (signal) => tidyRegistry({ ...options, uploads, keepUnusedMs, signal }),
    close: () => uploads.suspendAll(),
  }
}

import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Descriptor } from '../descriptor.ts'
import { parseManifest } from '../manifest.ts'
import { type OciDigest, parseDigest, type RepositoryName } from '../reference.ts'
import type { Registry } from './registry.ts'

/** Steps in which files are read. */
const stepBytes = 1024 * 1024

/**
 * Takes an image of an OCI image layout into a repository, without a tag: blobs first, then the manifests of an index,
 * then the manifest itself. What the repository has already is not read. Source: OCI image-spec, image-layout.md.
 * OCI_DIGEST_INVALID for a file that is not what its name says; OCI_MANIFEST_INVALID.
 */
export async function importLayout(
  registry: Registry,
  {
    folder,
    manifest,
    repository,
    signal,
  }: { folder: string; manifest: Descriptor; repository: RepositoryName; signal: AbortSignal },
): Promise<OciDigest> {
  const digest = parseDigest(manifest.digest)
  const bytes = await readFile(blobPath(folder, digest))
  const parsed = parseManifest(bytes, manifest.mediaType)
  for (const blob of parsed.blobs) {
    signal.throwIfAborted()
    await importBlob(registry, { repository, path: blobPath(folder, parseDigest(blob.digest)), descriptor: blob })
  }
  for (const child of parsed.manifests) await importLayout(registry, { folder, manifest: child, repository, signal })
  await registry.putManifest(repository, { digest }, { bytes, contentType: manifest.mediaType })
  return digest
}

/** Takes a file into a repository as the blob that it is said to be. OCI_DIGEST_INVALID. */
export async function importBlob(
  registry: Registry,
  {
    repository,
    path,
    descriptor,
  }: { repository: RepositoryName; path: string; descriptor: Pick<Descriptor, 'digest' | 'size'> },
): Promise<void> {
  const digest = parseDigest(descriptor.digest)
  const known = await registry.blob(repository, digest)
  if (known?.sizeBytes === descriptor.size) return
  const id = await registry.beginUpload(repository)
  const body = createReadStream(path, { highWaterMark: stepBytes }) as AsyncIterable<Buffer>
  await registry.finishUpload(repository, id, digest, { body, lengthBytes: descriptor.size })
}

function blobPath(folder: string, digest: OciDigest): string {
  const [algorithm = '', hex = ''] = digest.split(':')
  return join(folder, 'blobs', algorithm, hex)
}

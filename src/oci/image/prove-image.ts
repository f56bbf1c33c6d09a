import type { KindContext } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import type { ProofArtifact } from '../proof/artifact.ts'
import { attestImage } from '../proof/attestation.ts'
import { layoutSource } from '../proof/content.ts'
import { sbomArtifact, sbomOf, spdxPredicateType, type Sbom } from '../proof/sbom/sbom.ts'
import { provenanceOf, provenanceType } from '../proof/provenance.ts'
import { signImage } from '../proof/signature.ts'
import { type OciDigest, parseDigest, type RepositoryName } from '../reference.ts'
import type { Registry } from '../registry/registry.ts'
import { oneChunk } from './disk-artifact.ts'
import type { ImageKindOptions } from './image-kind.ts'
import type { DeclaredImage } from './image-schema.ts'

export interface ProvedBuild {
  repository: RepositoryName
  /** Of what is in the registry. */
  digest: OciDigest
  /** The image layout that was built, and its manifest: of what a disk was made, too. */
  layout: string
  manifest: Descriptor
  image: DeclaredImage
  labels: Readonly<Record<string, string>>
  engine: { name: string; version: string }
  baseImages: readonly { name: string; digest: string | undefined }[]
  startedAt: Date
  /** Of the commit. */
  time: Date
}

/** Says what an image was built of and by whom, signs that and the image, and puts both beside it. */
export async function proveImage(options: ImageKindOptions, context: KindContext, build: ProvedBuild): Promise<void> {
  const { registry, keys, who } = options
  const { repository, digest, image, time } = build
  const info = await registry.manifest(repository, { digest })
  const subject: Descriptor = { mediaType: info?.mediaType ?? '', digest, size: info?.sizeBytes ?? 0 }
  const signing = await keys.current()
  const sbom = await sbomOfBuild(options, context, build)
  const predicates = [
    { type: provenanceType, content: provenanceOfBuild(options, context, build) },
    { type: spdxPredicateType, content: sbom.document },
  ]
  const { registryHost, creator } = who()
  const references = [`${registryHost}/${image.name}:${image.version}`]
  for (const note of sbom.notes) context.progress.log(`${image.name}: ${note}`)
  context.progress.log(`${image.name}: ${sbom.packageCount} packages are in its bill of materials`)
  const artifacts = [
    sbomArtifact(subject, sbom),
    attestImage({ image: subject, name: image.name, predicates, keys: signing }),
    signImage({ image: subject, references, keys: signing, createdAt: time, creator }),
  ]
  for (const artifact of artifacts) await putArtifact(registry, repository, artifact)
}

function sbomOfBuild(
  { who, workFolder, parseRpmHeader }: ImageKindOptions,
  { signal }: KindContext,
  { image, layout, manifest, time }: ProvedBuild,
): Promise<Sbom> {
  const { name, version } = image
  return sbomOf(layoutSource(layout), manifest, {
    name,
    version,
    createdAt: time,
    larderVersion: who().version,
    temporaryFolder: workFolder,
    parseRpmHeader,
    signal,
  })
}

function provenanceOfBuild({ who, clock }: ImageKindOptions, context: KindContext, build: ProvedBuild): object {
  const { image, labels, engine, baseImages, startedAt, time } = build
  const { source, builderId, version } = who()
  return provenanceOf({
    repository: source,
    commit: context.commit?.id ?? '',
    context: image.context,
    dockerfile: image.dockerfile,
    target: image.target,
    platform: image.platform,
    buildArguments: image.buildArgs,
    labels,
    network: image.network,
    sourceDateEpoch: time,
    baseImages: baseImages.flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }])),
    engine,
    builderId,
    larderVersion: version,
    invocationId: context.runId,
    startedAt,
    finishedAt: clock.now(),
  })
}

async function putArtifact(registry: Registry, repository: RepositoryName, artifact: ProofArtifact): Promise<void> {
  for (const { descriptor, bytes } of artifact.blobs) {
    const digest = parseDigest(descriptor.digest)
    if ((await registry.blob(repository, digest)) !== undefined) continue
    const id = await registry.beginUpload(repository)
    await registry.finishUpload(repository, id, digest, { body: oneChunk(bytes) })
  }
  const { bytes, manifest, tag } = artifact
  const reference = tag === undefined ? { digest: parseDigest(manifest.digest) } : { tag }
  await registry.putManifest(repository, reference, { bytes, contentType: manifest.mediaType })
}

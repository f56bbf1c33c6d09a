import type { KindContext } from '../../core/index.ts'
import type { Descriptor } from '../descriptor.ts'
import type { ProofArtifact } from '../proof/artifact.ts'
import { attestImage } from '../proof/attestation.ts'
import { layoutSource } from '../proof/content.ts'
import { platformName } from '../platform.ts'
import { sbomArtifact, sbomOf, spdxPredicateType, type Sbom } from '../proof/sbom/sbom.ts'
import { spdxOfIndex } from '../proof/sbom/spdx.ts'
import { provenanceOf, provenanceType, type ProvenanceFacts } from '../proof/provenance.ts'
import { signImage } from '../proof/signature.ts'
import { type OciDigest, parseDigest, type RepositoryName } from '../reference.ts'
import type { Registry } from '../registry/registry.ts'
import { basesOf, type BuiltImage } from './build-images.ts'
import { oneChunk } from './disk-artifact.ts'
import type { ImageKindOptions } from './image-kind.ts'
import type { DeclaredImage } from './image-schema.ts'

export interface ProvedBuild {
  repository: RepositoryName
  /** Of what is in the registry under the version. */
  digest: OciDigest
  /** What was built, one for each platform: of what a disk was made, too. */
  images: readonly BuiltImage[]
  image: DeclaredImage
  labels: Readonly<Record<string, string>>
  engine: { name: string; version: string }
  startedAt: Date
  /** Of the commit. */
  time: Date
}

/**
 * Says what an image was built of and by whom, signs that and the image, and puts both beside it. Of several platforms
 * that is done for each image, since clients verify the one that they run, and for the index that names them.
 */
export async function proveImages(options: ImageKindOptions, context: KindContext, build: ProvedBuild): Promise<void> {
  const { images, digest, image } = build
  const [first] = images as [BuiltImage]
  if (image.platforms === undefined) {
    const sbom = await sbomOfImage(options, context, { ...build, built: first })
    await prove(options, context, build, { digest, sbom, platforms: { platform: image.platform }, images })
    return
  }
  for (const built of images) {
    const sbom = await sbomOfImage(options, context, { ...build, built })
    const about = { digest: parseDigest(built.manifest.digest), platforms: { platform: platformName(built.platform) } }
    await prove(options, context, build, { ...about, sbom, images: [built] })
  }
  const sbom = sbomOfIndex(options, build)
  await prove(options, context, build, { digest, sbom, platforms: { platforms: image.platforms }, images })
}

/** One manifest that something is said about. */
interface Proved {
  digest: OciDigest
  sbom: Sbom
  platforms: Pick<ProvenanceFacts, 'platform' | 'platforms'>
  /** What it stands on is told of these. */
  images: readonly BuiltImage[]
}

async function prove(
  options: ImageKindOptions,
  context: KindContext,
  build: ProvedBuild,
  proved: Proved,
): Promise<void> {
  const { registry, keys, who } = options
  const { repository, image, time } = build
  const { digest, sbom } = proved
  const subject = await subjectOf(registry, repository, digest)
  const signing = await keys.current()
  const predicates = [
    { type: provenanceType, content: provenanceOfBuild(options, context, build, proved) },
    { type: spdxPredicateType, content: sbom.document },
  ]
  const { registryHost, creator } = who()
  const references = [`${registryHost}/${image.name}:${image.version}`]
  const artifacts = [
    sbomArtifact(subject, sbom),
    attestImage({ image: subject, name: image.name, predicates, keys: signing }),
    signImage({ image: subject, references, keys: signing, createdAt: time, creator }),
  ]
  for (const artifact of artifacts) await putArtifact(registry, repository, artifact)
}

async function sbomOfImage(
  options: ImageKindOptions,
  { progress, signal }: KindContext,
  { image, built, time }: Pick<ProvedBuild, 'image' | 'time'> & { built: BuiltImage },
): Promise<Sbom> {
  const { workFolder, parseRpmHeader } = options
  const naming = namingOf(options, { image, time })
  const reading = { temporaryFolder: workFolder, parseRpmHeader, signal }
  const sbom = await sbomOf(layoutSource(built.layout), built.manifest, { ...naming, ...reading })
  const what = image.platforms === undefined ? image.name : `${image.name} for ${platformName(built.platform)}`
  for (const note of sbom.notes) progress.log(`${what}: ${note}`)
  progress.log(`${what}: ${sbom.packageCount} packages are in its bill of materials`)
  return sbom
}

function sbomOfIndex(options: ImageKindOptions, { image, images, digest, time }: ProvedBuild): Sbom {
  const variants = images.map(({ manifest, platform }) => ({
    digest: manifest.digest,
    platform: platformName(platform),
  }))
  const document = spdxOfIndex(variants, { ...namingOf(options, { image, time }), digest })
  return { document, packageCount: 0, notes: [] }
}

function namingOf({ who }: ImageKindOptions, { image, time }: Pick<ProvedBuild, 'image' | 'time'>) {
  return { name: image.name, version: image.version, createdAt: time, larderVersion: who().version }
}

function provenanceOfBuild(
  { who, clock }: ImageKindOptions,
  context: KindContext,
  { image, labels, engine, startedAt, time }: ProvedBuild,
  { platforms, images }: Proved,
): object {
  const { source, builderId, version } = who()
  return provenanceOf({
    repository: source,
    commit: context.commit?.id ?? '',
    context: image.context,
    dockerfile: image.dockerfile,
    target: image.target,
    ...platforms,
    buildArguments: image.buildArgs,
    labels,
    network: image.network,
    sourceDateEpoch: time,
    baseImages: basesOf(images).flatMap(({ name, digest }) => (digest === undefined ? [] : [{ name, digest }])),
    engine,
    builderId,
    larderVersion: version,
    invocationId: context.runId,
    startedAt,
    finishedAt: clock.now(),
  })
}

/** Of a manifest that something is said about. */
export async function subjectOf(
  registry: Registry,
  repository: RepositoryName,
  digest: OciDigest,
): Promise<Descriptor> {
  const info = await registry.manifest(repository, { digest })
  return { mediaType: info?.mediaType ?? '', digest, size: info?.sizeBytes ?? 0 }
}

export async function putArtifact(
  registry: Registry,
  repository: RepositoryName,
  artifact: ProofArtifact,
): Promise<void> {
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

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { LarderError, type KindContext } from '../../core/index.ts'
import { makeDiskImage } from '../disk-image/make-disk-image.ts'
import type { MachineImage } from '../disk-image/ec2/machine-image.ts'
import type { RootSource } from '../disk-image/source/read-root.ts'
import { parseRepositoryName, type OciDigest, type RepositoryName } from '../reference.ts'
import { exportLayout } from '../registry/export-layout.ts'
import type { BuiltImage } from './build-images.ts'
import { importDisk } from './disk-artifact.ts'
import type { ImageKindOptions } from './image-kind.ts'
import type { DeclaredImage } from './image-schema.ts'

export interface DiskParts {
  repository: RepositoryName
  image: DeclaredImage
  /** What was built: one, since a disk is for one platform. */
  images: readonly BuiltImage[]
  /** Where it is made. */
  folder: string
  time: Date
  annotations: Readonly<Record<string, string>>
}

/** Makes a disk of what was built, puts it into the registry, and into EC2 where that is wanted. */
export async function stageDisk(
  options: ImageKindOptions,
  { progress, signal }: KindContext,
  parts: DiskParts,
): Promise<{ digest: OciDigest; ec2: Ec2Image | undefined }> {
  const { repository, image, images, folder, time, annotations } = parts
  const { name, version, disk } = image
  if (disk.isForEc2 === true && options.toEc2 === undefined) throw ec2Unknown(name)
  const path = join(folder, `disk.${disk.format}`)
  const base = await baseOf(options, { disk, folder })
  progress.log(`${name}: making a disk of it${base === undefined ? '' : `, on ${disk.base ?? ''}`}`)
  const [{ layout, manifest }] = images as [BuiltImage]
  await makeDiskImage({
    source: { layout, digest: manifest.digest },
    ...(base === undefined ? {} : { base }),
    outputFile: path,
    format: disk.format,
    firmware: disk.firmware ?? 'both',
    kernelArguments: disk.kernelArguments ?? [],
    ...(disk.sizeBytes === undefined ? {} : { sizeBytes: disk.sizeBytes }),
    createdAt: time,
    signal,
    log: options.log,
  })
  const title = `${name.replaceAll('/', '-')}-${version}`
  const file = { path, format: disk.format, title: `${title}.${disk.format}`, annotations }
  const digest = await importDisk(options.registry, repository, file)
  if (disk.isForEc2 === undefined || options.toEc2 === undefined) return { digest, ec2: undefined }
  const log = (message: string) => progress.log(`${name}: ${message}`)
  const hasEfi = disk.firmware !== 'bios'
  const made = await options.toEc2({ diskPath: path, name: title, hasEfi, signal, log })
  progress.log(`${name}: ${made.imageId} in ${made.region}`)
  return { digest, ec2: made }
}

/** An image in EC2, and where it is. */
export type Ec2Image = Pick<MachineImage, 'imageId'> & { region: string }

async function baseOf(
  { registry }: ImageKindOptions,
  { disk, folder }: { disk: DeclaredImage['disk']; folder: string },
): Promise<RootSource | undefined> {
  if (disk.base === undefined) return undefined
  const [name = '', tag = ''] = disk.base.split(':')
  const repository = parseRepositoryName(name)
  const info = await registry.manifest(repository, { tag })
  if (info === undefined) {
    throw new LarderError('IMAGE_UNKNOWN', { message: `${disk.base} is not in the registry any more.` })
  }
  const layout = join(folder, 'base')
  await mkdir(layout)
  const asked = { repository, digest: info.digest, folder: layout, platform: 'linux/amd64' }
  const digest = await exportLayout(registry, asked)
  return { layout, digest }
}

function ec2Unknown(name: string): LarderError {
  return new LarderError('CONFIG_INVALID', {
    message: `The disk of ${name} is to go to EC2, and nobody said where that is.`,
    hint: 'Write region, bucket and credentialsFile into the section ec2 of controller.yaml; see docs/disk-images.md.',
  })
}

import { statfs } from 'node:fs/promises'
import { formatBytes, isLarderError } from '../../../core/index.ts'
import { chooseBuilder, imageBuilders, unbuildableImages } from '../../../oci/index.ts'
import { isOnPath } from '../../program-path.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'
import { lookAtCertificate } from './certificate.ts'

/** Images can be built where the site declares some, and their last build is good; the certificate is not near its end. */
export const imagesCheck: DoctorCheck = {
  name: 'images',
  async look(context) {
    return [
      ...(await lookForBuilder(context)),
      ...(await lookForDiskPrograms(context)),
      ...(await lookAtBuilds(context)),
      ...(await lookAtRoom(context)),
      ...(await lookAtCertificate(context)),
    ]
  },
}

async function lookForBuilder({ context }: DoctorContext): Promise<Ailment[]> {
  const head = await context.siteHead.current()
  const images = head?.site.sections['images'] as ImagesSection | undefined
  if (images === undefined) return []
  try {
    const builder = await chooseBuilder(imageBuilders(), images.builder)
    return builder.hasEmulators ? [] : await lookForEmulators(context, images)
  } catch (error) {
    if (!isLarderError(error, 'BUILD_ENGINE_MISSING')) throw error
    const { message, hint } = error
    return [{ severity: 'error', subject: 'images', message, ...(hint === undefined ? {} : { hint }) }]
  }
}

interface ImagesSection {
  builder?: 'buildkit' | 'buildah' | 'docker'
  list: string
  on: { branch: string }
}

/** Images for other processors, whose programs this host does not run. */
async function lookForEmulators(context: DoctorContext['context'], { list, on }: ImagesSection): Promise<Ailment[]> {
  const commit = (await context.appliedHeads()).get(on.branch)
  if (commit === undefined) return []
  const found = await unbuildableImages(await context.openCommit(commit), list)
  return found.map(({ name, why: { message, hint } }) => ({
    severity: 'error',
    subject: `image ${name}`,
    message,
    ...(hint === undefined ? {} : { hint }),
  }))
}

/** Where disks are made, or were to be. */
async function lookForDiskPrograms({ context: { images }, environment }: DoctorContext): Promise<Ailment[]> {
  const names = await images.builds.images()
  const latest = await Promise.all(names.map((name) => images.builds.latest(name)))
  if (latest.every((build) => build?.type !== 'AMI')) return []
  const found = await Promise.all(
    diskPrograms.map(({ program }) => isOnPath(program, { ...environment, PATH: diskPath })),
  )
  return diskPrograms
    .filter((_, index) => found[index] !== true)
    .map(({ program, package: name }) => ({
      severity: 'error',
      subject: program,
      message: `${program} is not installed: disks of images cannot be made.`,
      hint: `apt-get install ${name}`,
    }))
}

/** As disks are made with them. */
const diskPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const diskPrograms = [
  { program: 'mke2fs', package: 'e2fsprogs' },
  { program: 'grub-mkimage', package: 'grub-common grub-pc-bin grub-efi-amd64-bin' },
  { program: 'qemu-img', package: 'qemu-utils' },
]

/** More is free than the registry is to leave so. */
async function lookAtRoom({ context, dataFolder: { root } }: DoctorContext): Promise<Ailment[]> {
  const { minFreeBytes } = context.registryCache
  const { bavail, bsize } = await statfs(root)
  if (bavail * bsize >= minFreeBytes) return []
  const message = `The registry takes no uploads: ${formatBytes(bavail * bsize)} are free, and ${formatBytes(minFreeBytes)} are to stay so.`
  const hint = 'Make room, run `larder gc`, or lower registry.minFreeMB in controller.yaml.'
  return [{ severity: 'error', subject: 'registry', message, hint }]
}

async function lookAtBuilds({ context: { images } }: DoctorContext): Promise<Ailment[]> {
  const names = await images.builds.images()
  const latest = await Promise.all(names.map((name) => images.builds.latest(name)))
  return latest.flatMap((build) => {
    if (build?.state !== 'failed') return []
    const message = `The last build of ${build.version} failed: ${build.error?.message ?? ''}`
    const hint = `larder run logs ${build.runId}`
    return [{ severity: 'warning' as const, subject: `image ${build.image}`, message, hint }]
  })
}

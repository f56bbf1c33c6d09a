import { z } from 'zod'
import { parsePlatform, platformName } from '../platform.ts'
import { isRepositoryName } from '../reference.ts'

/** A path of the site repository. */
const sitePath = z
  .string()
  .max(1000)
  .regex(/^(?!\/)(?!(.*\/)?\.\.?(\/|$))[^\\\u0000-\u001f]+$/, 'a path within the site repository is needed')

const branchName = z
  .string()
  .max(200)
  .regex(
    /^(?![-/.])(?!.*(?:\.\.|\/\/|@\{|\.lock$|[/.]$))[^\s~^:?*[\\\u0000-\u001f]+$/,
    'the name of a branch is needed',
  )

/** The section `images` of larder.yaml. */
export const imagesSchema = z
  .strictObject({
    list: sitePath.describe('The file that names the images: images.json'),
    on: z.strictObject({ branch: branchName.default('main').describe('Branch whose commits are built') }).prefault({}),
    builder: z
      .enum(['buildkit', 'buildah', 'docker'])
      .optional()
      .describe('What builds. Default: the first of these that can be used on this host'),
    keep: z
      .strictObject({
        versions: z.int().min(1).max(100_000).default(20).describe('Newest versions that are kept of each image'),
      })
      .prefault({}),
  })
  .describe('Images that Larder builds from Dockerfiles of this repository, and keeps in its registry.')

export type ImagesConfig = z.output<typeof imagesSchema>

const platform = z
  .string()
  .regex(/^linux\/[a-z0-9]+(?:\/[a-z0-9]+)?$/, 'a system and a processor are needed, as in linux/arm64')

const limitsSchema = z.strictObject({
  minutes: z
    .number()
    .positive()
    .max(24 * 60)
    .default(30)
    .describe('A build that takes longer is ended'),
  memory_mb: z.int().min(16).max(10_000_000).optional().describe('Most memory of a build'),
  cpus: z.number().positive().max(1024).optional().describe('Most processors of a build'),
  disk_mb: z.int().min(16).max(100_000_000).default(20_000).describe('Most that a build may write'),
})

const diskSchema = z
  .strictObject({
    format: z.enum(['qcow2', 'raw']).default('qcow2').describe('Of the file'),
    firmware: z.enum(['both', 'bios']).default('both').describe('What starts it: `both` is BIOS and UEFI'),
    kernel_arguments: z
      .array(z.string().regex(/^[\w.,:=/@%+-]{1,200}$/, 'a word of letters, digits and . , : = / @ % + - _ is needed'))
      .max(50)
      .default([])
      .describe('What the kernel is told besides root and consoles'),
    base: z
      .string()
      .refine((text) => isImageName(text), 'an image of this registry with its version, like machine:1.0')
      .optional()
      .describe('Published image of this registry that the machine is; this one runs on it as a service'),
    ec2: z.boolean().default(false).describe('Make an image in EC2 of it, as controller.yaml says where; needs "raw"'),
    size_gb: z.number().positive().max(10_000).optional().describe('Of the disk. Default: what the content needs'),
  })
  .refine(({ format, ec2 }) => !ec2 || format === 'raw', {
    path: ['format'],
    message: '"raw" is what EC2 takes',
  })
  .describe('AMI: what the disk is like')

/** Of a repository and a tag. */
function isImageName(text: string): boolean {
  const [name = '', tag = '', ...rest] = text.split(':')
  return rest.length === 0 && isRepositoryName(name) && /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(tag)
}

/** One entry of images.json. */
export const imageSchema = z
  .strictObject({
    service_name: z
      .string()
      .refine(isRepositoryName, 'small letters, digits, and . _ - / between them make the name of an image')
      .describe('Name of the image in the registry'),
    type: z.enum(['Docker', 'AMI']).describe('Docker: an image of a container. AMI: a disk that a machine starts from'),
    version: z
      .string('a version is text: write it in quotes')
      .regex(
        /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/,
        'letters, digits and . _ - make a version; it begins with none of . and -',
      )
      .describe('Tag of the image. It never comes to mean other content, unless the image is mutable'),
    dockerfile: sitePath.optional().describe('The Dockerfile, which is in `<service_name>/` when nothing is said'),
    context: z
      .union([z.literal('.'), sitePath])
      .optional()
      .describe('Folder that the Dockerfile can copy from. Default: the one that it is in'),
    target: z.string().min(1).max(200).optional().describe('Stage to stop at. Default: the last one'),
    build_args: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
      .default({})
      .describe('What its ARGs are set to: nothing secret, since provenance tells them'),
    mirrors: z
      .array(z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'the name of a mirror is needed'))
      .max(100)
      .default([])
      .describe(
        'Mirrors of this site that its packages come from: ARG LARDER_MIRROR_<NAME> is what makes a client of one',
      ),
    platform: platform.optional().describe('As in linux/arm64. Default: this host’s'),
    platforms: z
      .array(platform)
      .min(1)
      .max(20)
      .refine((names) => new Set(names.map(canonical)).size === names.length, 'each platform once')
      .optional()
      .describe('In place of platform: several, under one tag, of which clients take theirs. Limits are for each'),
    network: z.enum(['none', 'host', 'bridge']).default('host').describe('What RUN can reach'),
    mutable: z.boolean().default(false).describe('The version may come to mean other content'),
    limits: limitsSchema.prefault({}),
    disk: diskSchema.prefault({}),
  })
  .refine(({ platform: one, platforms }) => one === undefined || platforms === undefined, {
    path: ['platforms'],
    message: 'platform or platforms, not both',
  })
  .refine(({ type, platforms = [] }) => type === 'Docker' || platforms.length < 2, {
    path: ['platforms'],
    message: 'a disk is for one platform',
  })
  .describe('An image')

export const imageListSchema = z.array(imageSchema).max(1000).describe('a list of images')

/** An image as the site declares it. */
export interface DeclaredImage {
  name: string
  type: 'Docker' | 'AMI'
  version: string
  /** Paths in the site. */
  dockerfile: string
  /** '' for the whole repository. */
  context: string
  target: string | undefined
  buildArgs: Readonly<Record<string, string>>
  /** Names of mirrors that the build is made a client of. Undefined: none. */
  mirrors: readonly string[] | undefined
  platform: string | undefined
  /** In place of it: two or more, in the order of their names. */
  platforms: readonly string[] | undefined
  network: 'none' | 'host' | 'bridge'
  isMutable: boolean
  limits: { timeoutMs: number; memoryBytes: number | undefined; cpus: number | undefined; diskBytes: number }
  disk: DeclaredDisk
}

/** What is as usual is undefined, so that it is no part of what an image was built of before it could be said. */
export interface DeclaredDisk {
  format: 'qcow2' | 'raw'
  sizeBytes: number | undefined
  firmware: 'bios' | undefined
  kernelArguments: readonly string[] | undefined
  /** `machine:1.0` of our registry. */
  base: string | undefined
  isForEc2: true | undefined
}

/** An entry with its defaults filled in. */
export function declaredImage(entry: z.output<typeof imageSchema>): DeclaredImage {
  const { service_name: name, limits, disk } = entry
  const dockerfile = entry.dockerfile ?? `${name}/Dockerfile`
  const folder = dockerfile.includes('/') ? dockerfile.slice(0, dockerfile.lastIndexOf('/')) : ''
  const context = entry.context === '.' ? '' : (entry.context?.replace(/\/+$/, '') ?? folder)
  return {
    name,
    type: entry.type,
    version: entry.version,
    dockerfile,
    context,
    target: entry.target,
    buildArgs: entry.build_args,
    // Not an empty list: what was built before there were any is the same build.
    mirrors: entry.mirrors.length === 0 ? undefined : entry.mirrors,
    ...declaredPlatforms(entry),
    network: entry.network,
    isMutable: entry.mutable,
    limits: {
      timeoutMs: limits.minutes * 60_000,
      memoryBytes: limits.memory_mb === undefined ? undefined : limits.memory_mb * 1e6,
      cpus: limits.cpus,
      diskBytes: limits.disk_mb * 1e6,
    },
    disk: declaredDisk(disk),
  }
}

/** A list of one is that one: an image alone, as if it had been said so. */
function declaredPlatforms({
  platform: one,
  platforms = [],
}: Pick<z.output<typeof imageSchema>, 'platform' | 'platforms'>): Pick<DeclaredImage, 'platform' | 'platforms'> {
  if (platforms.length < 2) return { platform: one ?? platforms[0], platforms: undefined }
  return { platform: undefined, platforms: platforms.map(canonical).sort() }
}

const canonical = (name: string): string => platformName(parsePlatform(name))

function declaredDisk(disk: z.output<typeof diskSchema>): DeclaredDisk {
  return {
    format: disk.format,
    sizeBytes: disk.size_gb === undefined ? undefined : Math.round(disk.size_gb * 1e9),
    firmware: disk.firmware === 'bios' ? 'bios' : undefined,
    kernelArguments: disk.kernel_arguments.length === 0 ? undefined : disk.kernel_arguments,
    base: disk.base,
    isForEc2: disk.ec2 || undefined,
  }
}

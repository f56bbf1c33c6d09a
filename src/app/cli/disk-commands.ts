import { access, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { formatBytes, LarderError, type Log, silentLog, systemClock } from '../../core/index.ts'
import type { AwsCredentials, RootSource } from '../../oci/index.ts'
import type { CommandContext } from './command-context.ts'
import type { Bind } from './program.ts'

export function addDiskCommands(program: Command, bind: Bind): void {
  const disk = program.command('disk').description('disks that machines start from')
  disk
    .command('make')
    .description('make one of an image or of a root file system')
    .argument('<from>', 'OCI image layout, or folder that is a root file system')
    .argument('<file>', 'to write')
    .option('--base <from>', 'start the machine from this; the image runs in it as a service')
    .addOption(new Option('--format <format>', 'of the file').choices(['raw', 'qcow2']).default('qcow2'))
    .addOption(new Option('--firmware <kind>', 'that starts it').choices(['bios', 'both']).default('both'))
    .addOption(new Option('--size-gb <n>', 'of the disk; default: what fits the content').argParser(parseGigabytes))
    .option('--kernel-argument <word...>', 'beside root and consoles')
    .action(bind(make))
  disk
    .command('to-ec2')
    .description('make an image (AMI) in EC2 of a raw disk; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say who asks')
    .argument('<file>', 'raw disk')
    .requiredOption('--name <name>', 'of the image: versions never change')
    .requiredOption('--region <region>', 'such as eu-central-1')
    .requiredOption('--bucket <name>', 'of S3 in that region, where the disk lies while EC2 reads it')
    .option('--role <name>', 'by which EC2 reads the bucket', 'vmimport')
    .addOption(new Option('--firmware <kind>', 'that starts it').choices(['bios', 'both']).default('both'))
    .option('--ec2-endpoint <url>', 'another address than that of the region')
    .option('--s3-endpoint <url>', 'another address than that of the region')
    .action(bind(toEc2))
}

interface MakeOptions {
  base?: string
  format: 'raw' | 'qcow2'
  firmware: 'bios' | 'both'
  sizeGb?: number
  kernelArgument?: string[]
}

async function make(
  { output, environment, signal }: CommandContext,
  from: string,
  outputFile: string,
  options: MakeOptions,
): Promise<undefined> {
  const { makeDiskImage } = await import('../../oci/index.ts')
  const { format, firmware, base, sizeGb, kernelArgument = [] } = options
  await requireFolder(dirname(resolve(outputFile)), 'The disk is written there: make the folder first.')
  const made = await makeDiskImage({
    source: await sourceAt(from),
    ...(base === undefined ? {} : { base: await sourceAt(base) }),
    outputFile,
    format,
    firmware,
    ...(sizeGb === undefined ? {} : { sizeBytes: Math.round(sizeGb * 1e9) }),
    kernelArguments: kernelArgument,
    createdAt: timeOf(environment),
    signal,
    log: silentLog,
  })
  output.data(made)
  output.line(`${outputFile}: a disk of ${formatBytes(made.diskBytes)} that starts Linux ${made.kernelRelease}`)
}

interface Ec2Options {
  name: string
  region: string
  bucket: string
  role: string
  firmware: 'bios' | 'both'
  ec2Endpoint?: string
  s3Endpoint?: string
}

async function toEc2(context: CommandContext, diskPath: string, options: Ec2Options): Promise<undefined> {
  const { output, environment, signal } = context
  const [{ importToEc2 }, { createHttpSender }] = await Promise.all([
    import('../../oci/index.ts'),
    import('../http-send.ts'),
  ])
  const { name, region, bucket, role, firmware, ec2Endpoint, s3Endpoint } = options
  const endpoints = {
    ...(ec2Endpoint === undefined ? {} : { ec2: ec2Endpoint }),
    ...(s3Endpoint === undefined ? {} : { s3: s3Endpoint }),
  }
  // A part of a disk may take a while.
  const sender = createHttpSender({ environment, timeoutMs: 600_000 })
  try {
    const image = await importToEc2({
      target: { region, bucket, roleName: role, credentials: credentialsOf(environment), endpoints },
      diskPath: await fileAt(diskPath),
      name,
      hasEfi: firmware === 'both',
      send: sender.send,
      clock: systemClock,
      signal,
      log: telling(output.note),
    })
    output.data({ ...image, region, name })
    output.line(`${image.imageId} in ${region}: ${name}`)
  } finally {
    await sender.close()
  }
}

/** What takes minutes says what it does meanwhile. */
function telling(note: (text: string) => void): Log {
  return { ...silentLog, info: note }
}

async function sourceAt(folder: string): Promise<RootSource> {
  await requireFolder(
    folder,
    'Give an OCI image layout, as `skopeo copy … oci:FOLDER` writes it, or the root of a file system.',
  )
  const isLayout = await access(join(folder, 'oci-layout')).then(
    () => true,
    () => false,
  )
  return isLayout ? { layout: folder } : { folder }
}

/** USAGE. */
async function requireFolder(path: string, hint: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => error as NodeJS.ErrnoException)
  if (!(found instanceof Error) && found.isDirectory()) return
  const why = found instanceof Error && found.code !== 'ENOENT' ? `: ${found.message}` : ''
  throw new LarderError('USAGE', { message: `There is no folder ${path}${why}.`, hint })
}

async function fileAt(path: string): Promise<string> {
  const found = await stat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  })
  if (found?.isFile() === true) return path
  throw new LarderError('NOT_FOUND', { message: `There is no file ${path}.`, hint: 'larder disk make --format raw' })
}

/** Source: reproducible-builds.org, SOURCE_DATE_EPOCH. */
function timeOf(environment: NodeJS.ProcessEnv): Date {
  const text = environment['SOURCE_DATE_EPOCH'] ?? ''
  return /^\d{1,11}$/.test(text) ? new Date(Number(text) * 1000) : systemClock.now()
}

function credentialsOf(environment: NodeJS.ProcessEnv): AwsCredentials {
  const read = (name: string): string | undefined => environment[name] || undefined
  const [accessKeyId, secretAccessKey] = [read('AWS_ACCESS_KEY_ID'), read('AWS_SECRET_ACCESS_KEY')]
  const sessionToken = read('AWS_SESSION_TOKEN')
  if (accessKeyId !== undefined && secretAccessKey !== undefined)
    return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
  throw new LarderError('USAGE', {
    message: 'Nobody said who asks EC2.',
    hint: 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN where there is one.',
  })
}

function parseGigabytes(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 65_536) return value
  throw new InvalidArgumentError('a number of gigabytes, up to 65536')
}

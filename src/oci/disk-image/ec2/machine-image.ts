import { createHash } from 'node:crypto'
import { LarderError, type Clock, type Log } from '../../../core/index.ts'
import type { AwsExchange, AwsReply } from './aws-exchange.ts'
import type { DiskObject } from './disk-object.ts'
import { pause } from './pause.ts'
import { listAt, textAt } from './xml-reply.ts'

export interface MachineImageOptions {
  /** Of the image in EC2: unique in the account and region. */
  name: string
  description: string
  /** Of the disk: what tells whether an image of this name is this one. */
  sha256: string
  /** Whether UEFI can start it too. */
  hasEfi: boolean
  /** The role by which EC2 reads the bucket. */
  roleName: string
  exchange: AwsExchange
  clock: Clock
  signal: AbortSignal
  log: Log
  /** How long a snapshot or an image may take. Default 7,200,000. */
  timeoutMs?: number
}

export interface MachineImage {
  imageId: string
  snapshotId: string
}

const digestTag = 'larder:sha256'
/** The first look again comes after this; each later one after twice as long. */
const firstPollMs = 1000
const maxPollMs = 15_000
/** Of EC2's own refusals to import the same disk, before it is given up. */
const maxImports = 3

/** The image of this name, when it is there and whole. EC2_REFUSED when it is there with other content. */
export async function findMachineImage(options: MachineImageOptions): Promise<MachineImage | undefined> {
  const found = await describeImages(options, {
    'Owner.1': 'self',
    'Filter.1.Name': 'name',
    'Filter.1.Value.1': options.name,
  })
  if (!found) return undefined
  if (found.sha256 !== options.sha256)
    throw new LarderError('EC2_REFUSED', {
      message: `EC2 has an image ${options.name} (${found.imageId}) with other content, and versions never change.`,
      hint: 'Give the image another version, or deregister the one that is there.',
      context: { imageId: found.imageId },
    })
  return await untilAvailable(options, found.imageId)
}

/** Makes a snapshot of what lies in S3. The same disk is imported once, whoever asks again. EC2_IMPORT_FAILED. */
export async function importSnapshot(options: MachineImageOptions, { bucket, key }: DiskObject): Promise<string> {
  const { name, description, roleName, sha256, log } = options
  for (let attempt = 1; ; attempt++) {
    const { xml } = await call(options, 'ImportSnapshot', {
      // What failed once is answered for its token for ever.
      ClientToken: createHash('sha256').update(`${name}\n${sha256}\n${attempt}`).digest('hex'),
      Description: description,
      'DiskContainer.Description': description,
      'DiskContainer.Format': 'RAW',
      'DiskContainer.UserBucket.S3Bucket': bucket,
      'DiskContainer.UserBucket.S3Key': key,
      RoleName: roleName,
    })
    const taskId = textAt(xml, 'importTaskId') ?? ''
    log.info('EC2 imports the disk', { task: taskId })
    const outcome = await untilImported(options, taskId)
    if ('snapshotId' in outcome) return outcome.snapshotId
    if (outcome.isNew || attempt >= maxImports)
      throw new LarderError('EC2_IMPORT_FAILED', {
        message: `EC2 could not import the disk (${taskId}): ${outcome.why}`,
        hint: 'The role vmimport must exist and may read the bucket; what EC2 says names the rest.',
        context: { taskId },
      })
  }
}

/** Registers an image that starts from a snapshot. EC2_REFUSED, EC2_IMPORT_FAILED. */
export async function registerImage(options: MachineImageOptions, snapshotId: string): Promise<MachineImage> {
  const { name, description, sha256, hasEfi } = options
  const reply = await call(
    options,
    'RegisterImage',
    {
      Name: name,
      Description: description,
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      RootDeviceName: '/dev/xvda',
      EnaSupport: 'true',
      BootMode: hasEfi ? 'uefi-preferred' : 'legacy-bios',
      ImdsSupport: 'v2.0',
      'BlockDeviceMapping.1.DeviceName': '/dev/xvda',
      'BlockDeviceMapping.1.Ebs.SnapshotId': snapshotId,
      'BlockDeviceMapping.1.Ebs.VolumeType': 'gp3',
      'BlockDeviceMapping.1.Ebs.DeleteOnTermination': 'true',
      'TagSpecification.1.ResourceType': 'image',
      'TagSpecification.1.Tag.1.Key': digestTag,
      'TagSpecification.1.Tag.1.Value': sha256,
    },
    ['InvalidAMIName.Duplicate'],
  )
  // A request that was answered and never heard of, or somebody else's.
  const there = reply.refusal === undefined ? undefined : await findMachineImage(options)
  if (there) return there
  return await untilAvailable(options, textAt(reply.xml, 'imageId') ?? '')
}

type ImportOutcome = { snapshotId: string } | { why: string; isNew: boolean }

async function untilImported(options: MachineImageOptions, taskId: string): Promise<ImportOutcome> {
  let looks = 0
  return await poll(options, `the import ${taskId}`, async () => {
    const { xml } = await call(options, 'DescribeImportSnapshotTasks', { 'ImportTaskId.1': taskId })
    const [task] = listAt(xml, ['importSnapshotTaskSet'], 'item')
    const status = textAt(task, 'snapshotTaskDetail', 'status')
    const message = textAt(task, 'snapshotTaskDetail', 'statusMessage')
    looks += 1
    const snapshotId = textAt(task, 'snapshotTaskDetail', 'snapshotId')
    if (status === 'completed' && snapshotId !== undefined) return { snapshotId }
    if (status === 'active' || status === undefined) return undefined
    return { why: message ?? status, isNew: looks > 1 }
  })
}

async function untilAvailable(options: MachineImageOptions, imageId: string): Promise<MachineImage> {
  return await poll(options, `the image ${imageId}`, async () => {
    const image = await describeImages(options, { 'ImageId.1': imageId })
    if (image?.state === 'available') return { imageId, snapshotId: image.snapshotId }
    if (image === undefined || image.state === 'pending') return undefined
    throw new LarderError('EC2_IMPORT_FAILED', {
      message: `EC2 has the image ${imageId} in the state ${image.state}: ${image.why}`,
      hint: 'Deregister it, and let it be made again.',
      context: { imageId },
    })
  })
}

async function describeImages(options: MachineImageOptions, parameters: Record<string, string>) {
  const { xml } = await call(options, 'DescribeImages', parameters, ['InvalidAMIID.NotFound'])
  const [image] = listAt(xml, ['imagesSet'], 'item')
  if (!image) return undefined
  const [device] = listAt(image, ['blockDeviceMapping'], 'item')
  const tag = listAt(image, ['tagSet'], 'item').find((item) => textAt(item, 'key') === digestTag)
  return {
    imageId: textAt(image, 'imageId') ?? '',
    state: textAt(image, 'imageState') ?? '',
    why: textAt(image, 'stateReason', 'message') ?? 'no reason given',
    snapshotId: textAt(device, 'ebs', 'snapshotId') ?? '',
    sha256: textAt(tag, 'value'),
  }
}

async function poll<T>(options: MachineImageOptions, what: string, look: () => Promise<T | undefined>): Promise<T> {
  const { clock, signal, timeoutMs = 7_200_000 } = options
  const endsAtMs = clock.monotonicMs() + timeoutMs
  for (let pollMs = firstPollMs; ; pollMs = Math.min(pollMs * 2, maxPollMs)) {
    const seen = await look()
    if (seen !== undefined) return seen
    if (clock.monotonicMs() >= endsAtMs)
      throw new LarderError('EC2_UNREACHABLE', {
        message: `${what} was not done after ${Math.round(timeoutMs / 60_000)} minutes.`,
        hint: 'EC2 goes on with it; the next run takes it up.',
      })
    await pause(pollMs, { clock, signal })
  }
}

async function call(
  { exchange }: MachineImageOptions,
  action: string,
  parameters: Record<string, string>,
  allows: readonly string[] = [],
): Promise<AwsReply> {
  const body = Buffer.from(new URLSearchParams({ Action: action, Version: '2016-11-15', ...parameters }).toString())
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }
  return await exchange({ method: 'POST', path: '/', headers, body, action, allows })
}

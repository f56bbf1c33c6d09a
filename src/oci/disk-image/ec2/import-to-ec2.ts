import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { LarderError, type Clock, type Log } from '../../../core/index.ts'
import { createAwsExchange, type AwsSend } from './aws-exchange.ts'
import { removeDiskObject, uploadDisk } from './disk-object.ts'
import { findMachineImage, importSnapshot, registerImage, type MachineImage } from './machine-image.ts'
import type { AwsCredentials } from './sign-request.ts'

export interface Ec2Target {
  region: string
  /** Where the disk lies while EC2 reads it. In the same region. */
  bucket: string
  credentials: AwsCredentials
  /** The role by which EC2 reads the bucket. Default `vmimport`. */
  roleName?: string
  /** Addresses of the services, without a slash at the end. Default: as AWS documents them, by region. */
  endpoints?: { ec2?: string; s3?: string }
}

export interface Ec2ImportOptions {
  target: Ec2Target
  /** Raw: what `makeDiskImage` made. */
  diskPath: string
  /** In EC2, unique in the account and region: `counter-1.4.0`. */
  name: string
  description?: string
  /** Whether UEFI can start it too. */
  hasEfi: boolean
  send: AwsSend
  clock: Clock
  signal: AbortSignal
  log: Log
  /** Of the parts of an upload. Default 16 MiB, more for a disk over 140 GiB. */
  partBytes?: number
}

/**
 * Brings a disk to EC2 as an image that machines start from: upload to S3, ImportSnapshot, RegisterImage; then the
 * object in S3 is removed. Killed anywhere, or asked again, it goes on where it was: the image of that name, the import
 * under its token, the object, the parts. USAGE, EC2_REFUSED, EC2_IMPORT_FAILED, EC2_UNREACHABLE (retryable), CANCELLED.
 */
export async function importToEc2(options: Ec2ImportOptions): Promise<MachineImage> {
  const { target, diskPath, name, description = name, hasEfi, send, clock, signal, log } = options
  checkNames(target, name)
  const { region, bucket, credentials, roleName = 'vmimport' } = target
  const common = { region, credentials, send, clock, signal }
  const endpoints = { ...documentedEndpoints(region), ...target.endpoints }
  const s3 = createAwsExchange({ service: 's3', endpoint: endpoints.s3, ...common })
  const ec2 = createAwsExchange({ service: 'ec2', endpoint: endpoints.ec2, ...common })
  const sha256 = await digestOfFile(diskPath)
  const object = { bucket, key: `larder/${sha256}.raw` }
  const image = { name, description, sha256, hasEfi, roleName, exchange: ec2, clock, signal, log }
  const there = await findMachineImage(image)
  if (!there) {
    const { size: sizeBytes } = await stat(diskPath)
    const { partBytes } = options
    const parts = partBytes === undefined ? {} : { partBytes }
    await uploadDisk({ diskPath, sha256, sizeBytes, object, exchange: s3, log, ...parts })
  }
  const made = there ?? (await registerImage(image, await importSnapshot(image, object)))
  await removeDiskObject(object, s3)
  return made
}

/** Source: AWS General Reference, "Amazon EC2 endpoints", "Amazon S3 endpoints". */
function documentedEndpoints(region: string): { ec2: string; s3: string } {
  const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  return { ec2: `https://ec2.${region}.${suffix}`, s3: `https://s3.${region}.${suffix}` }
}

/** They become parts of addresses. Source: Amazon S3, "Bucket naming rules"; EC2 API Reference, RegisterImage. */
function checkNames({ region, bucket, roleName = 'vmimport' }: Ec2Target, name: string): void {
  const checks: [string, string, RegExp, string][] = [
    ['region', region, /^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'such as eu-central-1'],
    ['bucket', bucket, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, '3 to 63 lower-case letters, digits, dots and hyphens'],
    ['name', name, /^[a-zA-Z0-9()[\] ./'@_-]{3,128}$/, "3 to 128 letters, digits and ()[] ./-'@_"],
    ['role', roleName, /^[\w+=,.@-]{1,64}$/, '1 to 64 letters, digits and +=,.@-_'],
  ]
  for (const [what, value, pattern, allowed] of checks) {
    if (pattern.test(value)) continue
    throw new LarderError('USAGE', {
      message: `${JSON.stringify(value.slice(0, 140))} cannot be the ${what} of an image in EC2.`,
      hint: `Write ${allowed}.`,
    })
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>)
    hash.update(chunk)
  return hash.digest('hex')
}

import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import { FakeClock } from '../../../core/testing/fake-clock.ts'
import { startStandInAws, type Answer, type StandInAws } from '../../testing/stand-in-aws.ts'
import { importToEc2, type Ec2ImportOptions } from './import-to-ec2.ts'

const region = 'eu-central-1'
const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a secret', sessionToken: 'a token' }
const partBytes = 1000
/** Four parts, the last of them short. */
const disk = randomBytes(3500)
const sha256 = createHash('sha256').update(disk).digest('hex')
const path = `/disks/larder/${sha256}.raw`

let aws: StandInAws
let folder: string
beforeEach(async () => {
  aws = await startStandInAws({ region, credentials })
  folder = await mkdtemp(join(tmpdir(), 'larder-ec2-'))
  await writeFile(join(folder, 'disk'), disk)
})
afterEach(async () => {
  await aws[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

function importDisk(changes: Partial<Ec2ImportOptions> = {}) {
  return importToEc2({
    target: { region, bucket: 'disks', credentials, endpoints: { ec2: aws.url, s3: aws.url } },
    diskPath: join(folder, 'disk'),
    name: 'counter-1.4.0',
    hasEfi: true,
    send: aws.send,
    clock: new FakeClock(),
    signal: new AbortController().signal,
    log: silentLog,
    partBytes,
    ...changes,
  })
}

const uploadCalls = [
  'HeadObject',
  'ListMultipartUploads',
  'CreateMultipartUpload',
  'UploadPart 1',
  'UploadPart 2',
  'UploadPart 3',
  'UploadPart 4',
  'CompleteMultipartUpload',
]
const importCalls = [
  'ImportSnapshot',
  'DescribeImportSnapshotTasks',
  'DescribeImportSnapshotTasks',
  'DescribeImportSnapshotTasks',
  'RegisterImage',
  'DescribeImages',
]

describe('importToEc2', () => {
  it('uploads, imports, registers, in this order, and takes the object away', async () => {
    let uploaded: Buffer | undefined
    const send: Ec2ImportOptions['send'] = async (request, signal) => {
      uploaded ??= aws.objects.get(path)?.bytes
      return await aws.send(request, signal)
    }
    const made = await importDisk({ send })
    expect(made).toEqual({ imageId: 'ami-0', snapshotId: 'snap-import-snap-0' })
    const inOrder = [...aws.calls.slice(0, 4), ...aws.calls.slice(4, 8).sort(), ...aws.calls.slice(8)]
    expect(inOrder).toEqual(['DescribeImages', ...uploadCalls, ...importCalls, 'DeleteObject'])
    expect(uploaded?.equals(disk)).toBe(true)
    expect(aws.objects.size).toBe(0)
    expect(aws.images.get('ami-0')).toMatchObject({
      Name: 'counter-1.4.0',
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      RootDeviceName: '/dev/xvda',
      EnaSupport: 'true',
      BootMode: 'uefi-preferred',
      'BlockDeviceMapping.1.DeviceName': '/dev/xvda',
      'BlockDeviceMapping.1.Ebs.SnapshotId': 'snap-import-snap-0',
      'TagSpecification.1.Tag.1.Value': sha256,
    })
  })

  it('asked again, finds what is there and sends nothing', async () => {
    const first = await importDisk()
    aws.calls.length = 0
    expect(await importDisk()).toEqual(first)
    expect(aws.calls).toEqual(['DescribeImages', 'DescribeImages', 'DeleteObject'])
  })

  it('says that a disk without UEFI starts by BIOS', async () => {
    await importDisk({ hasEfi: false })
    expect(aws.images.get('ami-0')).toMatchObject({ BootMode: 'legacy-bios' })
  })

  it.each(Array.from({ length: 14 }, (_, index) => index + 1))(
    'cut off at request %i, goes on there',
    async (count) => {
      let left = count
      const controller = new AbortController()
      const send: Ec2ImportOptions['send'] = async (request, signal) => {
        const answer = await aws.send(request, new AbortController().signal)
        if (--left <= 0) controller.abort()
        signal.throwIfAborted()
        return answer
      }
      await expect(importDisk({ send, signal: controller.signal })).rejects.toMatchObject({ code: 'CANCELLED' })
      const sent = aws.calls.filter((call) => call.startsWith('UploadPart')).length
      aws.calls.length = 0
      await importDisk()
      expect(aws.images.size).toBe(1)
      expect(aws.imports.size).toBe(1)
      expect(aws.objects.size).toBe(0)
      const again = aws.calls.filter((call) => call.startsWith('UploadPart')).length
      expect(sent + again).toBe(4)
    },
  )

  it.each<[string, Answer]>([
    ['DescribeImages', { status: 503, code: 'RequestLimitExceeded' }],
    ['HeadObject', { status: 503, code: 'SlowDown' }],
    ['UploadPart 2', { status: 500, code: 'InternalError', isDone: true }],
    ['CompleteMultipartUpload', { status: 200, code: 'InternalError' }],
    ['ImportSnapshot', { status: 503, code: 'Unavailable', isDone: true }],
    ['RegisterImage', { status: 503, code: 'ServiceUnavailable', isDone: true }],
  ])('asks again when %s is answered by %o', async (call, answer) => {
    aws.faults.set(call, [answer, answer])
    expect(await importDisk()).toMatchObject({ imageId: 'ami-0' })
    expect(aws.images.size).toBe(1)
    expect(aws.imports.size).toBe(1)
  })

  it('gives up what stays busy, and what it left is used by the next', async () => {
    aws.faults.set(
      'CompleteMultipartUpload',
      Array.from({ length: 6 }, () => ({ status: 503, code: 'SlowDown' })),
    )
    await expect(importDisk()).rejects.toMatchObject({ code: 'EC2_UNREACHABLE', retryable: true })
    aws.calls.length = 0
    await importDisk()
    expect(aws.calls.filter((call) => call.startsWith('UploadPart'))).toEqual([])
  })

  it.each<[string, Answer, RegExp, RegExp]>([
    ['HeadObject', { status: 403, code: 'AccessDenied', message: 'no' }, /S3 refuses HeadObject: HTTP 403/, /./],
    [
      'ListMultipartUploads',
      { status: 404, code: 'NoSuchBucket', message: 'none' },
      /NoSuchBucket: none/,
      /Make the bucket/,
    ],
    [
      'ImportSnapshot',
      { status: 400, code: 'InvalidParameter', message: 'role' },
      /EC2 refuses ImportSnapshot/,
      /vmimport/,
    ],
    ['RegisterImage', { status: 403, code: 'UnauthorizedOperation' }, /UnauthorizedOperation/, /right to do this/],
  ])('says why when %s is refused', async (call, answer, message, hint) => {
    aws.faults.set(call, [answer])
    const error = await importDisk().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'EC2_REFUSED', message: expect.stringMatching(message) as string })
    expect((error as { hint?: string }).hint ?? 'none').toMatch(hint)
  })

  it('says what EC2 says of an import that failed, and imports anew when asked again', async () => {
    aws.importFailure = 'ClientError: no valid partitions'
    await expect(importDisk()).rejects.toMatchObject({
      code: 'EC2_IMPORT_FAILED',
      message: expect.stringContaining('no valid partitions') as string,
    })
    aws.importFailure = undefined
    expect(await importDisk()).toEqual({ imageId: 'ami-0', snapshotId: 'snap-import-snap-1' })
  })

  it('gives up what EC2 refuses again and again', async () => {
    aws.importFailure = 'ClientError: no valid partitions'
    for (const count of [1, 2, 3, 3]) {
      await expect(importDisk()).rejects.toMatchObject({ code: 'EC2_IMPORT_FAILED' })
      expect(aws.imports.size).toBe(count)
    }
  })

  it('refuses an image of that name with other content', async () => {
    await importDisk()
    await writeFile(join(folder, 'disk'), randomBytes(100))
    await expect(importDisk()).rejects.toMatchObject({
      code: 'EC2_REFUSED',
      message: expect.stringContaining('other content') as string,
    })
  })

  it('does nothing with a wrong secret', async () => {
    const wrong = { ...credentials, secretAccessKey: 'another' }
    const target = { region, bucket: 'disks', credentials: wrong, endpoints: { ec2: aws.url, s3: aws.url } }
    await expect(importDisk({ target })).rejects.toMatchObject({
      code: 'EC2_REFUSED',
      context: { code: 'SignatureDoesNotMatch' },
    })
  })

  it.each([
    ['region', { region: 'eu/../x' }],
    ['bucket', { bucket: 'Disks/x' }],
    ['role', { roleName: 'a b' }],
  ])('refuses a %s that is none', async (what, change) => {
    const target = { region, bucket: 'disks', credentials, ...change }
    await expect(importDisk({ target })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(what) as string,
    })
    expect(aws.calls).toEqual([])
  })
})

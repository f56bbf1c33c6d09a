import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LarderError, silentLog, type Clock, type KnownSecrets } from '../core/index.ts'
import { importToEc2, type AwsCredentials, type DiskForEc2 } from '../oci/index.ts'
import type { Ec2Config } from './config/controller-config.ts'
import { createHttpSender } from './http-send.ts'

export interface Ec2ImportOptions {
  config: Ec2Config
  /** Of the data folder: files are relative to it. */
  root: string
  environment: NodeJS.ProcessEnv
  clock: Clock
  secrets: KnownSecrets
}

/** A part of a disk may take a while. */
const timeoutMs = 600_000

/** Makes images in EC2 of disks, as the configuration says where; who asks is read at each, so that keys can be rotated. */
export function createEc2Import(options: Ec2ImportOptions) {
  const { config, root, environment, clock, secrets } = options
  const { region, bucket, role: roleName, endpoints } = config
  const { ec2, s3 } = endpoints
  const given = { ...(ec2 === undefined ? {} : { ec2 }), ...(s3 === undefined ? {} : { s3 }) }
  return async ({ log, ...disk }: DiskForEc2): Promise<{ imageId: string; region: string }> => {
    const credentials = await readCredentials(resolve(root, config.credentialsFile))
    secrets.add(credentials.secretAccessKey, credentials.sessionToken)
    const sender = createHttpSender({ environment, timeoutMs })
    try {
      const target = { region, bucket, roleName, credentials, endpoints: given }
      const { imageId } = await importToEc2({
        ...disk,
        target,
        send: sender.send,
        clock,
        log: { ...silentLog, info: log },
      })
      return { imageId, region }
    } finally {
      await sender.close()
    }
  }
}

/** CONFIG_INVALID. */
async function readCredentials(path: string): Promise<AwsCredentials> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw unusable(path, (cause as Error).message, cause)
  })
  const values = new Map(
    [...text.matchAll(/^[ \t]*(?:export[ \t]+)?(AWS_[A-Z_]+)[ \t]*=[ \t]*"?([^"\r\n]*?)"?[ \t]*$/gm)].map(
      ([, name = '', value = '']): [string, string] => [name, value],
    ),
  )
  const [accessKeyId, secretAccessKey] = [values.get('AWS_ACCESS_KEY_ID'), values.get('AWS_SECRET_ACCESS_KEY')]
  const sessionToken = values.get('AWS_SESSION_TOKEN')
  if (!accessKeyId || !secretAccessKey) throw unusable(path, 'AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not in it')
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) }
}

function unusable(path: string, why: string, cause?: unknown): LarderError {
  return new LarderError('CONFIG_INVALID', {
    message: `The file ${path} that ec2.credentialsFile names cannot be used: ${why}.`,
    hint: 'Write AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=… into it, each in a line of its own.',
    cause,
  })
}

import { z } from 'zod'
import { dataFile, isLoopback } from './field.ts'
import { registrySchema } from './registry-config.ts'

/** The file of the data folder, or of `larder up --config`, that says where the site is and whom to tell. */
export const controllerFile = 'controller.yaml'

const url = z
  .string()
  .max(2000)
  .refine((text) => /^https?:\/\/[^\s]+$/.test(text), 'an address that begins with https:// or http://')
  .transform((text) => text.replace(/\/+$/, ''))

const repositoryUrl = z
  .string()
  .max(2000)
  .refine(
    (text) => /^(?:https:\/\/|ssh:\/\/|file:\/\/|\/)[^\s\u0000-\u001f]+$/.test(text) || isLoopback(text),
    'an address of a Git repository: https://…, ssh://… or file://… (http:// on this machine only: whoever is on the way could change the site)',
  )
  .describe('What the site repository is cloned from: https, ssh or file. A payload never says where')

const repositoryName = z
  .string()
  .regex(/^(?!\.+(?:\/|$))[\w.-]{1,100}(?:\/(?!\.+(?:\/|$))[\w.-]{1,100}){1,20}$/, 'owner/name as the forge writes it')
  .describe('`owner/name` at the forge. Default: from the address')

const appSchema = z
  .strictObject({
    id: z.union([z.string().regex(/^[\w.-]{1,100}$/), z.number().int().positive()]).transform(String),
    installation: z.union([z.string().regex(/^\d{1,20}$/), z.number().int().positive()]).transform(String),
    keyFile: dataFile,
  })
  .describe('GitHub: an App instead of a token; only an App can make check runs')

const forksSchema = z
  .strictObject({
    plan: z.boolean().default(true).describe('Plan pull requests of forks at all'),
    preview: z.boolean().default(true).describe('Make previews of them without a maintainer having said so'),
    maxPackages: z
      .number()
      .int()
      .positive()
      .default(2000)
      .describe('Most packages that one may add, to all mirrors together'),
    maxFetchMB: z.number().positive().default(2000).describe('Most megabytes that one may have fetched'),
  })
  .describe('What a pull request of a fork may do before a maintainer gives their word')

const forgeObject = z.strictObject({
  type: z.enum(['github', 'gitlab', 'gitea', 'forgejo', 'git']).describe('`git`: branches by polling only'),
  url: repositoryUrl,
  repository: repositoryName.optional(),
  api: url.optional().describe('Address of the forge’s API. Default: from its type and the address of the repository'),
  tokenFile: dataFile.optional().describe('Holds a token for reading and reporting. Default: nothing is reported'),
  app: appSchema.optional(),
  secretsFile: dataFile
    .optional()
    .describe('Secrets of webhooks, one a line. Default: <type>-secrets, made at first start'),
  pollSeconds: z
    .number()
    .min(0)
    .max(86_400)
    .default(60)
    .describe('How often branches and pull requests are looked at; 0: only when a webhook comes'),
  forks: forksSchema.prefault({}),
  fetch: z.enum(['full', 'blobless']).default('full').describe('`blobless`: contents of files when they are read'),
  lfs: z.boolean().default(false).describe('Read files that are in Git LFS'),
  submodules: z.boolean().default(false).describe('Read submodules that are on the same host'),
})

const forgeSchema = forgeObject.refine(({ lfs, url }) => !lfs || /^https?:/.test(url), {
  path: ['lfs'],
  message: 'false, or an address of the repository that begins with https:// (Git LFS is asked for over HTTP)',
})

const previewsSchema = z
  .strictObject({
    keepDays: z.number().positive().max(365).default(7).describe('Days until a preview expires'),
    max: z
      .number()
      .int()
      .min(0)
      .max(1000)
      .default(20)
      .describe('Most previews at a time; the oldest go first. 0: none'),
    maxMB: z
      .number()
      .positive()
      .default(20_000)
      .describe('Most megabytes that all of them may take besides what is published'),
    perRunMB: z
      .number()
      .positive()
      .default(5000)
      .describe('Most megabytes that one may take besides what is published'),
  })
  .describe('What pull requests would publish, for clients to try')

const tlsSchema = z
  .strictObject({
    listen: z
      .string()
      .regex(/^(?:\[[0-9a-fA-F:.]+\]|[^:\s]*):\d{1,5}$/, 'HOST:PORT, like 0.0.0.0:7443')
      .default('0.0.0.0:7443')
      .describe('Address to serve TLS on, besides plain HTTP'),
    certificateFile: dataFile
      .optional()
      .describe('Chain of certificates, PEM. Default: Larder’s own authority certifies'),
    keyFile: dataFile.optional().describe('Private key of the certificate, PEM'),
    authorityFile: dataFile
      .optional()
      .describe(
        'Who has certified it, PEM, for clients to trust. Default: what the chain ends with, if that is its own issuer',
      ),
    names: z
      .array(z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/))
      .max(100)
      .default([])
      .describe('Names and addresses of this host that it does not know of itself'),
  })
  .refine(({ certificateFile, keyFile }) => (certificateFile === undefined) === (keyFile === undefined), {
    message: 'certificateFile and keyFile belong together',
  })
  .refine(({ certificateFile, authorityFile }) => certificateFile !== undefined || authorityFile === undefined, {
    message: 'authorityFile belongs to certificateFile',
  })
  .describe('TLS of our own, which clients of the registry expect')

const ec2Schema = z
  .strictObject({
    region: z.string().regex(/^[a-z]{2}(?:-[a-z]+)+-\d{1,2}$/, 'a region, such as eu-central-1'),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of a bucket of S3 in that region'),
    role: z
      .string()
      .regex(/^[\w+=,.@-]{1,64}$/)
      .default('vmimport')
      .describe('Role by which EC2 reads the bucket'),
    credentialsFile: dataFile.describe('Lines AWS_ACCESS_KEY_ID=…, AWS_SECRET_ACCESS_KEY=…, AWS_SESSION_TOKEN=…'),
    endpoints: z
      .strictObject({ ec2: url.optional(), s3: url.optional() })
      .prefault({})
      .describe('Other addresses than those of the region'),
  })
  .describe('Where disks of images with `"ec2": true` become images of EC2')

const notificationEvents = ['run.finished', 'publication.switched', 'upstream.expired', 'machine.drifted'] as const
export type NotificationEvent = (typeof notificationEvents)[number]

const listenerSchema = z.strictObject({
  url,
  secretFile: dataFile
    .default('notify-secret')
    .describe('Holds the secret (whsec_…) that signs; made when it is not there'),
  events: z
    .array(z.enum(notificationEvents))
    .min(1)
    .default([...notificationEvents]),
})

const buildsSchema = z
  .strictObject({
    cacheMB: z
      .number()
      .min(0)
      .default(20_000)
      .describe('Most megabytes that a builder keeps for later builds; what was not used for longest goes first'),
  })
  .describe('Builds of images')

const machinesSchema = z
  .strictObject({
    lookMinutes: z
      .number()
      .min(0)
      .max(1440)
      .default(10)
      .describe('Minutes between two looks at whether all machines are as declared; 0: only when a run is to look'),
  })
  .describe('Machines of the site')

export const controllerSchema = z
  .strictObject({
    forge: forgeSchema
      .optional()
      .describe('The forge that has the site repository. Default: the built-in Git endpoint'),
    previews: previewsSchema.prefault({}),
    registry: registrySchema.prefault({}),
    tls: tlsSchema.optional(),
    ec2: ec2Schema.optional(),
    builds: buildsSchema.prefault({}),
    machines: machinesSchema.prefault({}),
    trustedProxies: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an IP address, or a network like 10.0.0.0/8'))
      .max(100)
      .default([])
      .describe('Reverse proxies of one’s own, whose X-Forwarded-For tells who asks. Default: none is believed'),
    notify: z.array(listenerSchema).max(20).default([]).describe('Who is told of what happens, by webhook'),
  })
  .describe('Where the site is, and whom to tell')

export type ControllerConfig = z.output<typeof controllerSchema>
export type Ec2Config = NonNullable<ControllerConfig['ec2']>
export type ForgeConfig = NonNullable<ControllerConfig['forge']>
export type ListenerConfig = z.output<typeof listenerSchema>

/** What holds when there is no file. */
export const defaultControllerConfig: ControllerConfig = controllerSchema.parse({})

import { z } from 'zod'

const instant = z.string().meta({ description: 'ISO 8601, UTC', examples: ['2026-11-21T09:30:00.000Z'] })
const count = z.number().int().nonnegative()

export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'One of docs/errors.md', examples: ['MIRROR_UNKNOWN'] }),
      message: z.string(),
      hint: z.string().optional(),
      context: z.record(z.string(), z.unknown()),
    }),
  })
  .meta({ id: 'Error' })

export const siteSchema = z.object({ name: z.string(), commit: z.string().optional() }).meta({ id: 'Site' })

export const publicationSchema = z
  .object({
    mirror: z.string(),
    generation: count,
    snapshotNumber: count,
    sealedAt: instant,
    validUntil: instant.optional(),
  })
  .meta({ id: 'Publication', description: 'The snapshot that clients see now' })

export const mirrorSchema = z
  .object({
    name: z.string(),
    format: z.enum(['apt', 'rpm']),
    publication: publicationSchema.optional(),
    packageCount: count,
    sizeBytes: count,
  })
  .meta({ id: 'Mirror' })

export const mirrorDetailSchema = z
  .object({
    ...mirrorSchema.shape,
    upstreams: z.array(z.string()),
    architectures: z.array(z.string()),
    url: z.string(),
  })
  .meta({ id: 'MirrorDetail' })

export const snapshotSchema = z
  .object({
    mirror: z.string(),
    number: count,
    createdAt: instant,
    origin: z.string().meta({ description: 'What made it', examples: ['run 17'] }),
    packageCount: count,
    sizeBytes: count,
    published: z.boolean(),
  })
  .meta({ id: 'Snapshot' })

export const packageSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    architecture: z.string(),
    sizeBytes: count,
    path: z.string(),
    digest: z.string(),
    upstream: z.string(),
    reason: z.string().meta({ examples: ['listed', 'nginx Depends nginx-common'] }),
  })
  .meta({ id: 'Package' })

export const ownPackageSchema = z
  .object({
    name: z.string(),
    version: z.string(),
    architecture: z.string(),
    fileName: z.string(),
    sizeBytes: count,
    digest: z.string(),
  })
  .meta({ id: 'OwnPackage', description: "A package that is no upstream's" })

export const diffSchema = z
  .object({
    added: z.array(packageSchema),
    removed: z.array(packageSchema),
    changed: z.array(z.object({ before: packageSchema, after: packageSchema })),
  })
  .meta({ id: 'Diff' })

export const whySchema = z
  .object({
    steps: z.array(z.object({ package: z.string(), version: z.string(), because: z.string() })).readonly(),
  })
  .meta({ id: 'WhyChain', description: 'From a listed package to the one asked for' })

export const findingSchema = z
  .object({
    severity: z.enum(['error', 'warning']),
    subject: z.string(),
    message: z.string(),
    hint: z.string().optional(),
  })
  .meta({ id: 'Finding' })

export const doctorReportSchema = z
  .object({
    findings: z.array(
      z.object({
        ...findingSchema.shape,
        check: z.string().meta({ description: 'Name of the check that found it' }),
        fixable: z.boolean(),
        fixed: z.boolean(),
      }),
    ),
    checks: z.array(z.string()),
    usage: z.object({
      folder: z.string(),
      blobCount: count,
      blobBytes: count,
      uploadBytes: count,
      cacheBytes: count,
      siteBytes: count,
      databaseBytes: count,
    }),
    runs: z.array(count).meta({ description: 'Runs that were queued to mend what takes a run' }),
  })
  .meta({ id: 'DoctorReport' })

export const runStateSchema = z.enum(['waiting', 'running', 'succeeded', 'failed', 'cancelled', 'superseded'])

export const runSchema = z
  .object({
    id: count,
    branch: z.string(),
    commit: z.string(),
    goal: z.enum(['plan', 'apply']),
    state: runStateSchema,
    origin: z.string(),
    pullRequest: count.optional().meta({ description: 'Number of the pull request that it plans' }),
    baseCommit: z.string().optional().meta({ description: 'Head of main that a pull request is planned upon' }),
    trust: z.enum(['trusted', 'untrusted']).meta({ description: 'untrusted: of a fork, and nobody has approved it' }),
    createdAt: instant,
    startedAt: instant.optional(),
    finishedAt: instant.optional(),
    error: z
      .object({
        code: z.string(),
        message: z.string(),
        hint: z.string().optional(),
        context: z.record(z.string(), z.unknown()).optional(),
      })
      .optional(),
  })
  .meta({ id: 'Run' })

export const changeSchema = z.object({
  subject: z.string(),
  action: z.string(),
  summary: z.string(),
  detail: z.unknown(),
})

export const runDetailSchema = z
  .object({
    ...runSchema.shape,
    steps: z.array(
      z.object({
        name: z.string(),
        state: z.enum(['running', 'done', 'failed']),
        startedAt: instant,
        finishedAt: instant.optional(),
      }),
    ),
    plan: z.array(changeSchema).optional(),
    problems: z.array(
      z.object({
        severity: z.enum(['error', 'warning']),
        file: z.string(),
        line: count,
        column: count,
        message: z.string(),
        expected: z.string().optional(),
        suggestion: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'RunDetail' })

export const logLineSchema = z.object({ number: count, at: instant, message: z.string() }).meta({ id: 'LogLine' })

export const keySchema = z
  .object({
    fingerprint: z.string(),
    retiresAt: instant.optional().meta({ description: 'Until when an older key goes on signing' }),
  })
  .meta({ id: 'Key' })

export const previewSchema = z
  .object({
    run: count,
    pullRequest: count.optional(),
    mirror: z.string(),
    format: z.string(),
    url: z.string().meta({ description: 'Of the repository that clients may use' }),
    setupUrl: z.string().meta({ description: 'A script that makes a machine a client of it' }),
    sizeBytes: count,
    expiresAt: instant,
  })
  .meta({ id: 'Preview' })

export const pullRequestStateSchema = z.enum(['open', 'closed', 'merged'])
export const pullRequestSchema = z
  .object({
    number: count,
    state: pullRequestStateSchema,
    title: z.string(),
    author: z.string(),
    head: z.string().meta({ description: 'Branch that the change is on' }),
    headCommit: z.string(),
    base: z.string().meta({ description: 'Branch that it is to be merged into' }),
    fromFork: z.boolean(),
    approvedCommit: z.string().optional().meta({ description: 'Head that somebody who may merge gave their word for' }),
    approvedBy: z.string().optional(),
    updatedAt: instant,
  })
  .meta({ id: 'PullRequest' })

export const deliverySchema = z
  .object({
    id: count,
    forge: z.string(),
    repository: z.string(),
    deliveryId: z.string().meta({ description: 'As the forge numbers it' }),
    event: z.string().meta({ description: 'As the forge names it' }),
    receivedAt: instant,
    state: z.enum(['waiting', 'done', 'ignored']).meta({ description: 'done: it led to a run' }),
    reason: z.string().optional().meta({ description: 'Why it was ignored' }),
    runId: count.optional(),
  })
  .meta({ id: 'Delivery' })

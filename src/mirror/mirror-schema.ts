import { z } from 'zod'
import type { FormatGrammar } from './format.ts'
import { packageEntries } from './package-list-schema.ts'

/** One entry of `upstreams`: `format`, and what the format's schema says. */
export interface UpstreamConfig {
  format: string
  [key: string]: unknown
}

/** One entry of `mirrors`: what mirrors of all formats have, and what the format's schema says. */
export interface MirrorConfig {
  format: string
  /** Names of entries of `upstreams`, the preferred one first. */
  upstreams: string[]
  /** Path of a package list in the site, or the list itself. */
  packages: string | unknown[]
  recommends: boolean
  exclude: string[]
  keep: { snapshots: number; generations: number }
  /** Days until clients refuse what they have. Undefined: they never do, or the format knows of no such date. */
  validDays?: number | undefined
  [key: string]: unknown
}

export type UpstreamsConfig = Record<string, UpstreamConfig>
export type MirrorsConfig = Record<string, MirrorConfig>

/** Of the validated sections of a site; none where there is no site. */
export function mirrorsOf(site: Readonly<Record<string, unknown>> | undefined): MirrorsConfig {
  return (site?.['mirrors'] ?? {}) as MirrorsConfig
}

/** As `mirrorsOf`. */
export function upstreamsOf(site: Readonly<Record<string, unknown>> | undefined): UpstreamsConfig {
  return (site?.['upstreams'] ?? {}) as UpstreamsConfig
}

/** Schemas of the sections `upstreams` and `mirrors`, for the formats that are registered. */
export function mirrorSections(formats: readonly FormatGrammar[]): {
  upstreams: z.ZodType<UpstreamsConfig>
  mirrors: z.ZodType<MirrorsConfig>
} {
  const upstreams = byFormat(formats.map((format) => entrySchema(format.name, {}, format.upstreamSchema)))
  const mirrors = byFormat(formats.map((format) => entrySchema(format.name, common(), format.mirrorSchema)))
  return {
    upstreams: z
      .record(entryName, upstreams)
      .describe(
        'Remote repositories, by names of your own, with the keys that must have signed them.',
      ) as z.ZodType<UpstreamsConfig>,
    mirrors: z
      .record(entryName, mirrors)
      .describe(
        'Curated repositories that Larder publishes, by the name that is in their address.',
      ) as z.ZodType<MirrorsConfig>,
  }
}

/** Names become parts of addresses and of file names. */
const entryName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]*(\.[a-z0-9_-]+)*$/, 'small letters, digits and . _ - make a name')
  .max(63, 'at most 63 characters make a name')

const packageName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'this is not the name of a package')

/** A path of the site repository. Where it leads is looked at when it is read. */
const sitePath = z
  .string()
  .min(1)
  .regex(/^(?!\/)(?!(.*\/)?\.\.?(\/|$))[^\\\u0000-\u001f]+$/, 'a path within the site repository is needed')

/** Whether it is text that may be a path of the site repository. */
export function isSitePath(path: unknown): path is string {
  return sitePath.safeParse(path).success
}

/** Entries are read, with words for every mistake, where files of them are read. Editors see their schema. */
const inlineList = z.array(z.unknown()).meta({ items: z.toJSONSchema(packageEntries, { io: 'input' }).items })

/** Key of the mirrors of formats whose clients look at a date. */
export const validDays = z
  .int()
  .min(1)
  .max(3650)
  .optional()
  .describe('Days until clients refuse what they have; it is signed anew in time. Default: they never do.')

function common() {
  return {
    upstreams: z
      .array(z.string().min(1))
      .min(1)
      .describe('Names of upstreams, the preferred one first. Dependencies are looked for in all of them together.'),
    packages: z
      .union([sitePath, inlineList])
      .describe('Path of the package list, `packages.json`, or the list itself.'),
    recommends: z.boolean().default(false).describe('Take what packages recommend, too. Default: false.'),
    exclude: z
      .array(packageName)
      .default([])
      .describe('Names that are never taken, even when something depends on them. Default: none.'),
    keep: z
      .strictObject({
        snapshots: z.int().min(1).max(10_000).default(10).describe('Snapshots to roll back to. Default: 10.'),
        generations: z
          .int()
          .min(1)
          .max(100)
          .default(3)
          .describe('Earlier publications whose index files stay, for clients that are in the middle. Default: 3.'),
      })
      .prefault({})
      .describe('How much of the past is kept.'),
  }
}

/** Format, common keys, and those of the format with the checks that its schema makes of them together. */
function entrySchema(format: string, shape: z.core.$ZodLooseShape, own: z.ZodType): z.ZodObject {
  if (!(own instanceof z.ZodObject)) throw new Error(`the schemas of format ${format} must be objects`)
  const formatKey = z.literal(format).describe('Format of the repository.')
  const schema = z.strictObject({ format: formatKey, ...shape, ...own.shape })
  const checks = (own.def.checks ?? []) as z.core.$ZodCheck<object>[]
  for (const check of checks) check._zod.def.when = isMap
  return checks.length === 0 ? schema : schema.check(...checks)
}

/** Checks of several keys together are made though one of them is wrong, so that everything is told at once. */
function isMap({ value }: z.core.ParsePayload): boolean {
  return typeof value === 'object' && value !== null
}

function byFormat(options: readonly z.ZodObject[]): z.ZodType {
  const [first, ...rest] = options
  if (first === undefined) return z.never()
  return z.discriminatedUnion('format', [first, ...rest])
}

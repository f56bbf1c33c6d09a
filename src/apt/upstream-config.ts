import { z } from 'zod'

const address = z
  .string()
  .regex(/^(https?:\/\/[^\s/]+|file:\/\/\/)\S*$/, 'an http:, https: or file: address')
  .describe('Where the folder `dists` is, or, for a flat repository, what its suite is relative to.')

/** A suite as `deb` lines name it: `bookworm`, `bookworm/updates`; ending in `/` (`./`) for a flat repository. */
export const suiteName = z
  .string()
  .max(200)
  .regex(
    /^(\.\/|[A-Za-z0-9][A-Za-z0-9._~+-]*(\/[A-Za-z0-9][A-Za-z0-9._~+-]*)*\/?)$/,
    'a suite such as bookworm, or ./ for a flat repository',
  )

export const component = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._+-]*(\/[A-Za-z0-9][A-Za-z0-9._+-]*)*$/, 'a component such as main')
export const architecture = z
  .string()
  .max(50)
  .regex(/^[a-z0-9][a-z0-9-]*$/, 'an architecture such as amd64')
const sizeBytes = z.int().positive()

const limits = z.strictObject({
  releaseBytes: sizeBytes.default(32 * 1024 ** 2).describe('Largest Release or InRelease. Default 32 MiB.'),
  indexBytes: sizeBytes.default(512 * 1024 ** 2).describe('Largest index, compressed. Default 512 MiB.'),
  packageBytes: sizeBytes.default(8 * 1024 ** 3).describe('Largest package. Default 8 GiB.'),
})

/** Keys of an APT upstream in larder.yaml, besides `format`. */
export const aptUpstreamSchema = z
  .strictObject({
    url: address.optional(),
    urls: z
      .array(address)
      .min(1)
      .optional()
      .describe('The same repository at several addresses, the preferred one first.'),
    from: z.literal('system').optional().describe("What this host's own APT sources say, with their keys."),
    keys: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe('OpenPGP keys that may sign: files of the site, or absolute paths of this host.'),
    suites: z.array(suiteName).min(1).optional().describe("Default: the mirror's."),
    components: z.array(component).min(1).optional().describe("Default: the mirror's."),
    architectures: z.array(architecture).min(1).optional().describe("Default: the mirror's."),
    acceptSuites: z
      .array(z.string())
      .optional()
      .describe('Other names that the Release may give itself as Suite or Codename.'),
    checkValidUntil: z.boolean().optional().describe('Refuse a Release whose Valid-Until has passed. Default true.'),
    checkDate: z.boolean().optional().describe('Refuse a Release from the future. Default true.'),
    byHash: z.boolean().optional().describe('Ask for indices by their hash. Default: if the upstream offers it.'),
    allowUnsigned: z
      .boolean()
      .default(false)
      .describe('Believe whoever answers at the address. Only for an upstream that you control from end to end.'),
    limits: limits.prefault({}),
  })
  .superRefine((config, context) => {
    const ways = (['url', 'urls', 'from'] as const).filter((key) => config[key] !== undefined)
    if (ways.length !== 1) {
      const message =
        ways.length === 0 ? 'one of url, urls and from is needed' : `${ways.join(' and ')} exclude each other`
      context.addIssue({ code: 'custom', message, path: ways[1] === undefined ? [] : [ways[1]] })
    }
    if (config.from !== undefined && config.keys !== undefined) {
      context.addIssue({ code: 'custom', message: "from: system brings the host's own keys", path: ['keys'] })
    }
    if (config.from === undefined && config.keys === undefined && !config.allowUnsigned) {
      const message = 'keys are needed: the files of the keys that sign this upstream'
      context.addIssue({ code: 'custom', message, path: [] })
    }
  })

export type AptUpstreamConfig = z.infer<typeof aptUpstreamSchema>

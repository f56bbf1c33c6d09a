import { z } from 'zod'
import type { Digest } from '../../core/index.ts'
import type { CompressionFormat } from '../../unpack/index.ts'
import type { Cache } from '../../state/index.ts'
import type { SuiteIndex } from './suite.ts'

/** Keeps values between runs: cache_entries, under a space of its own. `blobs` are spared by gc while it does. */
export interface UpstreamMemory {
  get(key: string): Promise<unknown>
  put(key: string, value: unknown, blobs: readonly Digest[]): Promise<void>
}

/** A memory in the database. */
export function createUpstreamMemory(cache: Cache): UpstreamMemory {
  const space = 'apt upstream'
  return {
    get: async (key) => (await cache.get(space, key))?.value,
    put: (key, value, blobs) => cache.put(space, key, { value, blobs }),
  }
}

const hex = z.string()
const digest = z.string() as unknown as z.ZodType<Digest>
const uncompressed = z.object({ sizeBytes: z.number(), sha256: hex.optional(), sha512: hex.optional() })

const rememberedSchema = z.object({
  form: z.literal(1),
  /** Digest of InRelease, or of Release when `signature` is there or nothing signs it. */
  release: digest,
  signature: digest.optional(),
  inRelease: z.boolean(),
  validators: z.object({ etag: z.string().optional(), lastModified: z.string().optional() }),
  /** When it was last found good. */
  readAt: z.string(),
  date: z.string(),
  validUntil: z.string().optional(),
  origin: z.string(),
  /** Binds the next Release to these keys … */
  signedBy: z.array(z.string()).readonly().optional(),
  /** … for as long as the configured keys are these. */
  keyring: z.string(),
  indices: z.array(
    z.object({
      component: z.string(),
      architecture: z.string(),
      kind: z.enum(['Packages', 'Translation-en', 'Sources', 'Contents']),
      path: z.string(),
      digest,
      sizeBytes: z.number(),
      format: z.enum(['plain', 'xz', 'zst', 'gz', 'bz2']) satisfies z.ZodType<CompressionFormat>,
      uncompressed: uncompressed.optional(),
      promised: hex,
    }),
  ),
})

/** The last good state of one suite of one upstream. */
export type RememberedSuite = Omit<z.infer<typeof rememberedSchema>, 'indices'> & { indices: SuiteIndex[] }

/** What was remembered; undefined also when another version of Larder wrote it. */
export async function recallSuite(memory: UpstreamMemory, key: string): Promise<RememberedSuite | undefined> {
  const parsed = rememberedSchema.safeParse(await memory.get(key))
  return parsed.success ? parsed.data : undefined
}

export async function rememberSuite(memory: UpstreamMemory, key: string, suite: RememberedSuite): Promise<void> {
  const indices = suite.indices.map((index) => index.digest)
  await memory.put(key, suite, [suite.release, ...(suite.signature ? [suite.signature] : []), ...indices])
}

import { z } from 'zod'
import type { Digest } from '../../core/index.ts'
import type { Cache } from '../../state/index.ts'

/** Keeps values between runs: cache_entries, under a space of its own. `blobs` are spared by gc while it does. */
export interface RepositoryMemory {
  get(key: string): Promise<unknown>
  put(key: string, value: unknown, blobs: readonly Digest[]): Promise<void>
}

/** A memory in the database. */
export function createRepositoryMemory(cache: Cache): RepositoryMemory {
  const space = 'rpm upstream'
  return {
    get: async (key) => (await cache.get(space, key))?.value,
    put: (key, value, blobs) => cache.put(space, key, { value, blobs }),
  }
}

const digest = z.string() as unknown as z.ZodType<Digest>
const validators = z.object({ etag: z.string().optional(), lastModified: z.string().optional() })

const rememberedSchema = z.object({
  form: z.literal(1),
  /** Where it was looked for: another place is another repository, which may well be older. */
  place: z.string(),
  /** Of the list of mirrors or the metalink. */
  list: z.object({ blob: digest, validators }).optional(),
  repomd: digest,
  /** Of repomd.xml.asc. Once there, always there. */
  signature: digest.optional(),
  validators,
  /** Address that answered; the validators are its. */
  baseUrl: z.string(),
  /** When it was last found good. */
  readAt: z.string(),
  revision: z.string(),
  /** Highest of the data files, in seconds; 0 where there is none. */
  timestamp: z.number(),
  /** Data files in the store, by the checksum that promised them. */
  files: z.array(z.object({ promised: z.string(), digest, sizeBytes: z.number() })),
})

/** The last good state of one repository. */
export type RememberedRepository = z.infer<typeof rememberedSchema>

/** What was remembered; undefined also when another version of Larder wrote it. */
export async function recallRepository(
  memory: RepositoryMemory,
  upstream: string,
): Promise<RememberedRepository | undefined> {
  const parsed = rememberedSchema.safeParse(await memory.get(upstream))
  return parsed.success ? parsed.data : undefined
}

export async function rememberRepository(
  memory: RepositoryMemory,
  upstream: string,
  state: RememberedRepository,
): Promise<void> {
  const blobs = [
    state.repomd,
    ...(state.signature === undefined ? [] : [state.signature]),
    ...(state.list === undefined ? [] : [state.list.blob]),
    ...state.files.map((file) => file.digest),
  ]
  await memory.put(upstream, state, [...new Set(blobs)])
}

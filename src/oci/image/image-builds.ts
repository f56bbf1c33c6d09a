import { isErrorCode, type Clock, type LarderError } from '../../core/index.ts'
import type { State, Tables } from '../../state/index.ts'
import type { Selectable } from 'kysely'
import type { OciDigest } from '../reference.ts'

/** What Larder did about one version of an image. */
export interface ImageBuild {
  id: number
  image: string
  version: string
  type: 'Docker' | 'AMI'
  inputs: string
  /** `built`: in the registry, but not under its tag yet. */
  state: 'building' | 'built' | 'published' | 'failed'
  digest: OciDigest | undefined
  commit: string | undefined
  runId: number
  startedAt: Date
  finishedAt: Date | undefined
  error: BuildError | undefined
  detail: BuildDetail
}

export interface BuildError {
  code: string
  message: string
  hint: string | undefined
  context: Readonly<Record<string, unknown>>
}

export interface BuildDetail {
  files: Readonly<Record<string, string>>
  baseImages: readonly { name: string; digest?: string | undefined }[]
  /** The image that was made of it in EC2. */
  ec2?: { imageId: string; region: string } | undefined
}

export interface NewBuild {
  image: string
  version: string
  type: 'Docker' | 'AMI'
  inputs: string
  commit: string | undefined
  runId: number
  files: BuildDetail['files']
}

/** The memory of builds: for plans, badges and people. */
export interface ImageBuilds {
  begin(build: NewBuild): Promise<number>
  built(id: number, result: { digest: OciDigest } & Pick<BuildDetail, 'baseImages' | 'ec2'>): Promise<void>
  published(id: number): Promise<void>
  failed(id: number, error: LarderError): Promise<void>
  /** The newest of an image, or of one version of it. */
  latest(image: string, filter?: { version?: string; state?: ImageBuild['state'] }): Promise<ImageBuild | undefined>
  /** Newest first. */
  list(image: string, limit: number): Promise<ImageBuild[]>
  /** Names of all images that were ever built, sorted. */
  images(): Promise<string[]>
  /** Those that a process which is gone was at. */
  endUnfinished(error: LarderError): Promise<void>
  /** Forgets all but the newest of each image, and those that are published. */
  prune(keepPerImage: number): Promise<void>
}

export function createImageBuilds(state: State, clock: Clock): ImageBuilds {
  return new SqlImageBuilds(state, clock)
}

class SqlImageBuilds implements ImageBuilds {
  readonly #state: State
  readonly #clock: Clock

  constructor(state: State, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  async begin({ image, version, type, inputs, commit, runId, files }: NewBuild): Promise<number> {
    const detail: BuildDetail = { files, baseImages: [] }
    const { id } = await this.#state.relaxedTransaction((transaction) =>
      transaction
        .insertInto('image_builds')
        .values({
          image,
          version,
          type,
          inputs,
          state: 'building',
          commit_id: commit ?? null,
          run_id: runId,
          started_at: this.#now(),
          detail: JSON.stringify(detail),
        })
        .returning('id')
        .executeTakeFirstOrThrow(),
    )
    return id
  }

  async built(id: number, { digest, baseImages, ec2 }: Parameters<ImageBuilds['built']>[1]): Promise<void> {
    await this.#state.relaxedTransaction(async (transaction) => {
      const row = await transaction.selectFrom('image_builds').select('detail').where('id', '=', id).executeTakeFirst()
      const detail = { ...(JSON.parse(row?.detail ?? '{}') as BuildDetail), baseImages, ec2 }
      await transaction
        .updateTable('image_builds')
        .set({ state: 'built', digest, finished_at: this.#now(), detail: JSON.stringify(detail) })
        .where('id', '=', id)
        .execute()
    })
  }

  async published(id: number): Promise<void> {
    await this.#state.transaction((transaction) =>
      transaction.updateTable('image_builds').set({ state: 'published' }).where('id', '=', id).execute(),
    )
  }

  async failed(id: number, { code, message, hint, context }: LarderError): Promise<void> {
    const error = JSON.stringify({ code, message, hint, context } satisfies BuildError)
    await this.#state.transaction((transaction) =>
      transaction
        .updateTable('image_builds')
        .set({ state: 'failed', finished_at: this.#now(), error })
        .where('id', '=', id)
        .execute(),
    )
  }

  async latest(
    image: string,
    { version, state: wanted }: { version?: string; state?: ImageBuild['state'] } = {},
  ): Promise<ImageBuild | undefined> {
    const row = await this.#state.db
      .selectFrom('image_builds')
      .selectAll()
      .where('image', '=', image)
      .$if(version !== undefined, (query) => query.where('version', '=', version ?? ''))
      .$if(wanted !== undefined, (query) => query.where('state', '=', wanted ?? 'published'))
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && buildOf(row)
  }

  async list(image: string, limit: number): Promise<ImageBuild[]> {
    const rows = await this.#state.db
      .selectFrom('image_builds')
      .selectAll()
      .where('image', '=', image)
      .orderBy('id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(buildOf)
  }

  async images(): Promise<string[]> {
    const rows = await this.#state.db.selectFrom('image_builds').select('image').distinct().orderBy('image').execute()
    return rows.map(({ image }) => image)
  }

  async endUnfinished({ code, message, hint, context }: LarderError): Promise<void> {
    const error = JSON.stringify({ code, message, hint, context } satisfies BuildError)
    await this.#state.relaxedTransaction((transaction) =>
      transaction
        .updateTable('image_builds')
        .set({ state: 'failed', finished_at: this.#now(), error })
        .where('state', '=', 'building')
        .execute(),
    )
  }

  async prune(keepPerImage: number): Promise<void> {
    for (const image of await this.images()) {
      const rows = await this.#state.db
        .selectFrom('image_builds')
        .select('id')
        .where('image', '=', image)
        .orderBy('id', 'desc')
        .offset(keepPerImage)
        .limit(1)
        .execute()
      const [last] = rows
      if (last === undefined) continue
      await this.#state.relaxedTransaction((transaction) =>
        transaction
          .deleteFrom('image_builds')
          .where('image', '=', image)
          .where('id', '<=', last.id)
          .where('state', '!=', 'published')
          .execute(),
      )
    }
  }

  #now(): string {
    return this.#clock.now().toISOString()
  }
}

function buildOf(row: Selectable<Tables['image_builds']>): ImageBuild {
  return {
    id: row.id,
    image: row.image,
    version: row.version,
    type: row.type,
    inputs: row.inputs,
    state: row.state,
    digest: (row.digest ?? undefined) as OciDigest | undefined,
    commit: row.commit_id ?? undefined,
    runId: row.run_id,
    startedAt: new Date(row.started_at),
    finishedAt: row.finished_at === null ? undefined : new Date(row.finished_at),
    error: row.error === null ? undefined : readError(row.error),
    detail: JSON.parse(row.detail) as BuildDetail,
  }
}

function readError(text: string): BuildError {
  const error = JSON.parse(text) as BuildError
  return isErrorCode(error.code) ? error : { ...error, code: 'INTERNAL' }
}

import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from '../../core/index.ts'

export interface ForgetOptions {
  /** What is kept for later builds may take so much. */
  maxBytes: number
  /** What it takes now. */
  sizeBytes: () => Promise<number>
  /** Has the engine remove an image, with what only that one was made of. False: it keeps it, since something uses it. */
  remove: (id: string) => Promise<boolean>
  /** Asked before each removal: whether nobody is to build. */
  mayGoOn: () => boolean
}

/**
 * When images of an engine were last used, which engines do not know: a file of a folder for each, named by the hex of
 * its id, whose time it is. One that is lost costs a build its cache, no more.
 */
export class UsedImages {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** `sha256:<hex>`, or the hex alone; anything else is passed over. */
  async use(ids: readonly string[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    for (const id of ids) {
      const name = hexOf(id)
      if (name !== undefined) await writeFile(join(this.#folder, name), name)
    }
  }

  /** Those that an engine has: what is new counts as used now, and what is gone is forgotten. */
  async sync(ids: readonly string[]): Promise<void> {
    const there = new Set(ids.map(hexOf))
    const known = new Set(await this.#names())
    for (const name of known) if (!there.has(name)) await this.#forget(name)
    await this.use(ids.filter((id) => !known.has(hexOf(id) ?? '')))
  }

  /** Hex of their ids, those that were not used for longest first. */
  async oldestFirst(): Promise<string[]> {
    const names = await this.#names()
    const times = await Promise.all(names.map(async (name) => (await stat(join(this.#folder, name))).mtimeMs))
    const order = names.map((name, index) => ({ name, time: times[index] ?? 0 }))
    return order.sort((left, right) => left.time - right.time).map(({ name }) => name)
  }

  /** Removes images, those that were not used for longest first, until the rest is within bounds. Answers how many. */
  async forgetOldest({ maxBytes, sizeBytes, remove, mayGoOn }: ForgetOptions): Promise<number> {
    let removed = 0
    for (const id of await this.oldestFirst()) {
      if (!mayGoOn() || (await sizeBytes()) <= maxBytes) break
      if (!(await remove(id))) continue
      await this.#forget(id)
      removed++
    }
    return removed
  }

  async #names(): Promise<string[]> {
    return (await namesIn(this.#folder)).filter((name) => hexOf(name) !== undefined)
  }

  #forget(name: string): Promise<void> {
    return rm(join(this.#folder, name), { force: true })
  }
}

function hexOf(id: string): string | undefined {
  return /^(?:sha256:)?([0-9a-f]{64})$/.exec(id)?.[1]
}

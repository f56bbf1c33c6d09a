import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { LarderError } from '../core/index.ts'
import { writePrivateFile } from './private-file.ts'

/** Private keys of one name, newest first, in a file that only its owner reads. `heldKey`: what is kept of each. */
export class KeyFile<HeldKey> {
  private readonly path: string
  private readonly content: z.ZodType<{ keys: HeldKey[] }>

  constructor(path: string, heldKey: z.ZodType<HeldKey>) {
    this.path = path
    this.content = z.strictObject({ keys: z.array(heldKey) })
  }

  /** None when no file is there. KEY_UNSUITABLE when it is damaged. */
  async read(): Promise<HeldKey[]> {
    const { path } = this
    let text: string
    try {
      text = await readFile(path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
      throw error
    }
    try {
      return this.content.parse(JSON.parse(text)).keys
    } catch (error) {
      throw new LarderError('KEY_UNSUITABLE', {
        message: `The file ${path} is damaged.`,
        hint: 'Restore it from a backup. A new key would not be trusted by the clients that have the old one.',
        cause: error,
        context: { path },
      })
    }
  }

  /** As writePrivateFile. */
  async write(keys: readonly HeldKey[]): Promise<void> {
    await writePrivateFile(this.path, `${JSON.stringify({ keys }, undefined, 2)}\n`)
  }
}

/** The first line of a file; undefined where no file is named. KEY_LOCKED when it is empty. */
export async function readPassphrase(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  const [line = ''] = (await readFile(path, 'utf8')).split(/\r?\n/, 1)
  if (line !== '') return line
  throw new LarderError('KEY_LOCKED', {
    message: `The passphrase file ${path} is empty.`,
    hint: 'Its first line is the passphrase.',
    context: { path },
  })
}

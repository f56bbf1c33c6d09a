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

/** The first line of a file; undefined where no file is named. KEY_LOCKED when there is none, or nothing in it. */
export async function readPassphrase(path: string | undefined): Promise<string | undefined> {
  // A variable that is empty is none.
  if (path === undefined || path === '') return undefined
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw locked(path, `cannot be read: ${(cause as Error).message}`, cause)
  })
  const [line = ''] = text.split(/\r?\n/, 1)
  if (line === '') throw locked(path, 'is empty')
  return line
}

function locked(path: string, why: string, cause?: unknown): LarderError {
  return new LarderError('KEY_LOCKED', {
    message: `The passphrase file ${path} ${why}.`,
    hint: 'Name a file, by --passphrase-file or LARDER_PASSPHRASE_FILE, whose first line is the passphrase.',
    cause,
    context: { path },
  })
}

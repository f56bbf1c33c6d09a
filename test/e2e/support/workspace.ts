import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Workspace extends AsyncDisposable {
  readonly folder: string
  path(name: string): string
}

/** A folder of its own, removed in the end. */
export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'larder-e2e-'))
  return {
    folder,
    path: (name) => join(folder, name),
    // A process that was just killed may still be closing its files.
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

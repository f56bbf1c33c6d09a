import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { digestOf, isDigest, type Digest } from '../../src/core/index.ts'
import { collect } from '../../src/core/testing/collect.ts'
import { collectGarbage, openFileBlobStore, sqlLeaseBook } from '../../src/store/index.ts'
import { openTestStore } from '../../src/store/testing/index.ts'

const rounds = 30
const script = new URL('../fixtures/store/write-until-killed.ts', import.meta.url).pathname

it(
  `a store is whole after kill -9 at ${rounds} moments, and has all that was acknowledged`,
  { timeout: 300_000 },
  async () => {
    await using test = await openTestStore()
    const acknowledged = new Set<Digest>()
    for (let round = 0; round < rounds; round++) {
      for (const digest of await writeAndKill(test.folder, round)) acknowledged.add(digest)
    }
    const { folder, state, leases, clock } = test
    const store = await openFileBlobStore({ folder, leaseBook: sqlLeaseBook(state) })
    const listed = new Set<Digest>()
    for (const { digest } of await collect(store.list())) {
      expect(digestOf(await store.readWhole(digest))).toBe(digest)
      listed.add(digest)
    }
    expect([...acknowledged].filter((digest) => !listed.has(digest))).toEqual([])
    expect(acknowledged.size).toBeGreaterThan(rounds)
    // Every blob has its lease from before it was visible, so nothing goes that someone may resume from.
    expect(await leases.held([...listed])).toEqual(listed)

    clock.advance(365 * 86_400_000 * 100)
    async function* noRoots(): AsyncIterable<Digest> {}
    await collectGarbage({ store, leases, clock, roots: noRoots, keepUploadsMs: 0 })
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    expect(
      files
        .filter((file) => file.isFile() && !file.name.startsWith('larder.db'))
        .map((file) => join(file.parentPath, file.name)),
    ).toEqual([])
  },
)

async function writeAndKill(folder: string, round: number): Promise<Digest[]> {
  const child = spawn(process.execPath, [script, folder, String(round)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  try {
    // Every other one is killed after it has acknowledged something, however slow this machine is.
    const isFar = () => (round % 2 === 0 ? output.startsWith('ready') : output.includes('\n', 'ready\n'.length))
    while (!isFar()) await Promise.race([once(child.stdout, 'data'), failWhen(exited)])
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 150))
  } finally {
    child.kill('SIGKILL')
    await exited
  }
  // The last line may have been cut.
  return output.slice(0, output.lastIndexOf('\n')).split('\n').filter(isDigest)
}

async function failWhen(exited: Promise<unknown>): Promise<never> {
  await exited
  throw new Error('the writer ended by itself')
}

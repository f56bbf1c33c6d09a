import { constants } from 'node:fs'
import { open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { HooksBenchContext } from './bench.ts'
import { percentile } from './load.ts'

const writes = 300
/** As long as the body of a push. */
const bodyBytes = 7500

/** What no intake that keeps its word one by one can be quicker than: a write and its way to the disk. */
export async function measureFloor({ folder, report }: HooksBenchContext): Promise<void> {
  const inPlace = await timed(await writtenInPlace(join(folder, 'floor-in-place')))
  const synced = await timed(await syncedAppend(join(folder, 'floor')))
  const committed = await timed(committedInsert(join(folder, 'floor.db')))
  for (const [name, times] of [
    ['write in place, O_DSYNC', inPlace],
    ['append and fdatasync', synced],
    ['SQLite commit of one row, WAL, synchronous=FULL', committed],
  ] as const) {
    report.add({ case: `floor: ${name}, median`, unit: 'ms', larder: percentile(times, 0.5), runs: writes })
    report.add({ case: `floor: ${name}, p99`, unit: 'ms', larder: percentile(times, 0.99), runs: writes })
  }
}

interface Writer {
  write(): Promise<void>
  close(): Promise<void>
}

async function timed(writer: Writer): Promise<Float64Array> {
  const times = new Float64Array(writes)
  for (let index = 0; index < writes; index++) {
    const before = performance.now()
    await writer.write()
    times[index] = performance.now() - before
  }
  await writer.close()
  return times.sort()
}

/** As the journal of deliveries is written: neither the length of the file nor its place on the disk changes. */
async function writtenInPlace(path: string): Promise<Writer> {
  const bytes = Buffer.alloc(bodyBytes, 'x')
  await writeFile(path, Buffer.alloc(writes * 8192), { flush: true })
  const file = await open(path, constants.O_RDWR | constants.O_DSYNC)
  let position = 0
  return {
    async write() {
      await file.write(bytes, 0, bytes.length, position)
      position += 8192
    },
    close: () => file.close(),
  }
}

async function syncedAppend(path: string): Promise<Writer> {
  const file = await open(path, 'w')
  const bytes = Buffer.alloc(bodyBytes, 'x')
  return {
    async write() {
      await file.write(bytes)
      await file.datasync()
    },
    close: () => file.close(),
  }
}

function committedInsert(path: string): Writer {
  const database = new DatabaseSync(path)
  database.exec(
    'PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT)',
  )
  const insert = database.prepare('INSERT INTO events (body) VALUES (?)')
  const body = 'x'.repeat(bodyBytes)
  return {
    write() {
      insert.run(body)
      return Promise.resolve()
    },
    close() {
      database.close()
      return Promise.resolve()
    },
  }
}

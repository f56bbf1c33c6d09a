import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { collect } from '../core/testing/collect.ts'
import { ForeignDatabaseError, readForeignColumn } from './foreign-column.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'larder-foreign-'))
  path = join(folder, 'database')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function make(...statements: string[]): void {
  const database = new DatabaseSync(path)
  for (const statement of statements) database.exec(statement)
  database.close()
}

const read = (maxRows = 1000) => collect(readForeignColumn(path, { table: 'Packages', column: 'blob', maxRows }))
const table = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"

describe('a column of a foreign database', () => {
  it('is read in the order of its rows', async () => {
    make(table, "INSERT INTO Packages VALUES (7, x'07'), (2, x'0202'), (5, 'text')")
    expect((await read()).map((value) => Buffer.from(value).toString('hex'))).toEqual(['0202', '07'])
  })

  it('is read with its log', async () => {
    const writer = new DatabaseSync(path)
    writer.exec(`PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; ${table}`)
    writer.exec("INSERT INTO Packages VALUES (1, x'01')")
    expect(await read()).toHaveLength(1)
    writer.close()
  })

  const endless = 'WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS blob FROM n'
  it.each<[string, () => void]>([
    [
      'that is a view',
      () => {
        make(`CREATE VIEW Packages AS ${endless}`)
      },
    ],
    [
      'that is computed',
      () => {
        make('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB AS (zeroblob(hnum)))')
      },
    ],
    [
      'that is not there',
      () => {
        make('CREATE TABLE Other (blob)')
      },
    ],
    [
      'of another name',
      () => {
        make('CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, data BLOB)')
      },
    ],
  ])('%s is refused', async (_, prepare) => {
    prepare()
    await expect(read()).rejects.toThrow(ForeignDatabaseError)
  })

  it('of no database, or a part of one, is refused', async () => {
    await writeFile(path, 'no database of any kind, whatever its name says')
    await expect(read()).rejects.toThrow(ForeignDatabaseError)
    await rm(path)
    make(table, 'INSERT INTO Packages (blob) VALUES (zeroblob(100000))')
    await truncate(path, 8192)
    await expect(read()).rejects.toThrow(ForeignDatabaseError)
  })

  it('is not read for ever', async () => {
    make(table, "INSERT INTO Packages (blob) VALUES (x'01'), (x'02'), (x'03')")
    await expect(read(2)).rejects.toThrow('more than 2 rows')
    expect(await read(3)).toHaveLength(3)
  })
})

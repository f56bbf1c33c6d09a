import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { type Clock, LarderError } from '../core/index.ts'

const migrationsFolder = join(import.meta.dirname, 'migrations')

/**
 * Brings the tables up to date with the numbered files of the folder, each in a transaction of its own that
 * also records it. DATA_NEWER when the database records a number that no file has.
 */
export async function migrate(database: DatabaseSync, clock: Clock, folder: string = migrationsFolder): Promise<void> {
  const migrations = await readMigrations(folder)
  database.exec(
    'CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL)',
  )
  const applied = new Set(
    database
      .prepare('SELECT number FROM migrations')
      .all()
      .map((row) => Number(row['number'])),
  )
  const newest = Math.max(0, ...migrations.map((migration) => migration.number))
  const unknown = [...applied].filter((number) => number > newest)
  if (unknown.length > 0) {
    throw new LarderError('DATA_NEWER', {
      message: `The database has migration ${Math.max(...unknown)}; this Larder knows them up to ${newest}.`,
      hint: 'Start the newer Larder that wrote this data directory, or restore a backup made before it.',
      context: { newest, found: Math.max(...unknown) },
    })
  }
  for (const migration of migrations) {
    if (!applied.has(migration.number)) apply(database, migration, clock)
  }
}

interface Migration {
  number: number
  name: string
  sql: string
}

async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name)).sort()
  return Promise.all(
    names.map(async (name) => ({
      number: Number(name.slice(0, 4)),
      name,
      sql: await readFile(join(folder, name), 'utf8'),
    })),
  )
}

function apply(database: DatabaseSync, migration: Migration, clock: Clock): void {
  database.exec('BEGIN IMMEDIATE')
  try {
    database.exec(migration.sql)
    database
      .prepare('INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)')
      .run(migration.number, migration.name, clock.now().toISOString())
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

import type { Selectable } from 'kysely'
import type { Clock } from '../../core/index.ts'
import type { State, Tables } from '../../state/index.ts'
import type { MachineConfig } from './machine-schema.ts'

export type MachineState = 'converged' | 'changing' | 'different' | 'failed' | 'unreachable'

/** What is known of a machine since it was looked at last. */
export interface KnownMachine {
  name: string
  place: MachineConfig['at']
  identity: string
  state: MachineState
  detail: MachineDetail
  runId: number | undefined
  checkedAt: Date
  /** When something was changed on it last. */
  changedAt: Date | undefined
  /** The mirror that it came from, where it was seen to be as declared. */
  base?: string | undefined
}

export interface MachineDetail {
  address: string | undefined
  os: string | undefined
  /** Of resources: how many are as declared. */
  ok: number
  /** Those that are not, or were not. */
  resources: { id: string; outcome: string; why: string | undefined }[]
  /** Why it is in no good state. */
  why: string | undefined
}

/** `base` of before stays where none is told. */
export type MachineReport = Omit<KnownMachine, 'checkedAt' | 'changedAt'> & { hasChanged: boolean }

/** The memory of machines: which there are, and how they were found. */
export interface MachineMemory {
  /** By name. */
  list(): Promise<KnownMachine[]>
  get(name: string): Promise<KnownMachine | undefined>
  /** Durable for `changing`: a machine that is being made is known before it is there. */
  report(machine: MachineReport): Promise<void>
  forget(name: string): Promise<void>
}

/** `mask` takes secrets out of what is kept: why something failed may have what it printed. */
export function createMachineMemory(state: State, clock: Clock, mask: (text: string) => string): MachineMemory {
  return {
    async list() {
      const rows = await state.db.selectFrom('machines').selectAll().orderBy('name').execute()
      return rows.map(asKnown)
    },
    async get(name) {
      const row = await state.db.selectFrom('machines').selectAll().where('name', '=', name).executeTakeFirst()
      return row && asKnown(row)
    },
    async report({ name, place, identity, state: found, detail, runId, hasChanged, base }) {
      const now = clock.now().toISOString()
      const told = { place, identity, state: found, detail: JSON.stringify(masked(detail, mask)), checked_at: now }
      const changed = { ...(hasChanged ? { changed_at: now } : {}), ...(base === undefined ? {} : { base }) }
      const values = { ...told, run_id: runId ?? null, ...changed }
      await state.transaction((transaction) =>
        transaction
          .insertInto('machines')
          .values({ name, ...values })
          .onConflict((conflict) => conflict.column('name').doUpdateSet(values))
          .execute(),
      )
    },
    async forget(name) {
      await state.transaction((transaction) => transaction.deleteFrom('machines').where('name', '=', name).execute())
    },
  }
}

function masked(detail: MachineDetail, mask: (text: string) => string): MachineDetail {
  const of = (why: string | undefined) => (why === undefined ? undefined : mask(why))
  const resources = detail.resources.map((one) => ({ ...one, why: of(one.why) }))
  return { ...detail, resources, why: of(detail.why) }
}

function asKnown(row: Selectable<Tables['machines']>): KnownMachine {
  const { name, place, identity, state } = row
  return {
    name,
    place,
    identity,
    state,
    detail: JSON.parse(row.detail) as MachineDetail,
    runId: row.run_id ?? undefined,
    checkedAt: new Date(row.checked_at),
    changedAt: row.changed_at === null ? undefined : new Date(row.changed_at),
    base: row.base ?? undefined,
  }
}

import type { Selectable } from 'kysely'
import type { Clock } from '../../core/index.ts'
import type { State, Tables } from '../../state/index.ts'

/** What is known of a service on one of its machines since it was looked at last. */
export interface KnownService {
  name: string
  machine: string
  /** `changing`: a rollout was at work there, and has not told what became of it. */
  state: 'ready' | 'changing' | 'failed'
  /** The unit of systemd that runs it. */
  unit: string
  /** Of its image: what runs there now, as far as it is known. */
  version: string | undefined
  reference: string | undefined
  /** Why it is in no good state. */
  why: string | undefined
  runId: number | undefined
  checkedAt: Date
  /** When something was changed there last. */
  changedAt: Date | undefined
}

export type ServiceReport = Omit<KnownService, 'checkedAt' | 'changedAt'> & { hasChanged: boolean }

/** The memory of services: where they are, and how they were found. */
export interface ServiceMemory {
  /** By name and machine. */
  list(): Promise<KnownService[]>
  get(name: string, machine: string): Promise<KnownService | undefined>
  report(service: ServiceReport): Promise<void>
  forget(name: string, machine: string): Promise<void>
}

/** `mask` takes secrets out of what is kept: why it failed may have what it printed. */
export function createServiceMemory(state: State, clock: Clock, mask: (text: string) => string): ServiceMemory {
  return {
    async list() {
      const rows = await state.db.selectFrom('services').selectAll().orderBy('name').orderBy('machine').execute()
      return rows.map(asKnown)
    },
    async get(name, machine) {
      const rows = state.db.selectFrom('services').selectAll().where('name', '=', name).where('machine', '=', machine)
      const row = await rows.executeTakeFirst()
      return row && asKnown(row)
    },
    async report({ name, machine, state: found, unit, version, reference, why, runId, hasChanged }) {
      const now = clock.now().toISOString()
      const told = {
        state: found,
        unit,
        version: version ?? null,
        reference: reference ?? null,
        why: why === undefined ? null : mask(why),
      }
      const values = { ...told, run_id: runId ?? null, checked_at: now, ...(hasChanged ? { changed_at: now } : {}) }
      await state.transaction((transaction) =>
        transaction
          .insertInto('services')
          .values({ name, machine, ...values })
          .onConflict((conflict) => conflict.columns(['name', 'machine']).doUpdateSet(values))
          .execute(),
      )
    },
    async forget(name, machine) {
      await state.transaction((transaction) =>
        transaction.deleteFrom('services').where('name', '=', name).where('machine', '=', machine).execute(),
      )
    },
  }
}

function asKnown(row: Selectable<Tables['services']>): KnownService {
  const { name, machine, state, unit } = row
  return {
    name,
    machine,
    state,
    unit,
    version: row.version ?? undefined,
    reference: row.reference ?? undefined,
    why: row.why ?? undefined,
    runId: row.run_id ?? undefined,
    checkedAt: new Date(row.checked_at),
    changedAt: row.changed_at === null ? undefined : new Date(row.changed_at),
  }
}

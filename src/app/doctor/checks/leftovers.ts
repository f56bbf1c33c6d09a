import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { LeaseId } from '../../../store/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

const dayMs = 24 * 3600_000

/** What killed processes left behind: leases of runs that have ended, uploads that nobody goes on with, temporary files. */
export const leftoversCheck: DoctorCheck = {
  name: 'leftovers',
  async look(context) {
    return [
      ...(await lookAtLeases(context)),
      ...(await lookAtUploads(context)),
      ...(await lookAtTemporaryFiles(context)),
    ]
  },
}

async function lookAtLeases({ context, housekeeping }: DoctorContext): Promise<Ailment[]> {
  const { state, runs, clock, leases } = context
  const now = clock.now().toISOString()
  const rows = await state.db.selectFrom('leases').selectAll().execute()
  const living = new Set(
    [...(await runs.waiting()), ...(await runs.list({ limit: 50, state: 'running' }))].map((run) => `run/${run.id}`),
  )
  const isDead = ({ holder, expires_at }: { holder: string; expires_at: string }): boolean => {
    // Others than those of runs are of this process, at work now: those of earlier ones were released when it opened.
    return expires_at <= now || (/^run\/\d+$/.test(holder) && !living.has(holder))
  }
  const dead = rows.filter(isDead)
  if (dead.length === 0) return []
  return [
    {
      severity: 'warning',
      subject: 'leases',
      message: `${dead.length} ${dead.length === 1 ? 'lease keeps' : 'leases keep'} blobs for work that has ended (${dead
        .slice(0, 3)
        .map(({ holder }) => holder)
        .join(', ')}${dead.length > 3 ? ', …' : ''}).`,
      hint: 'They expire by themselves after a day, and gc frees what they kept.',
      mend: async () => {
        for (const { id } of dead) await leases.release(id as LeaseId)
        await housekeeping.collect(new AbortController().signal)
      },
    },
  ]
}

async function lookAtUploads({ context, dataFolder, housekeeping }: DoctorContext): Promise<Ailment[]> {
  const old = await olderThan(
    join(dataFolder.root, 'uploads'),
    context.clock.now().getTime() - 2 * dayMs,
    /^[0-9a-f]{64}$/,
  )
  if (old.length === 0) return []
  return [
    {
      severity: 'warning',
      subject: join(dataFolder.root, 'uploads'),
      message: `${old.length} ${old.length === 1 ? 'download was' : 'downloads were'} begun more than two days ago and not gone on with.`,
      hint: 'larder gc removes them.',
      mend: async () => {
        await housekeeping.collect(new AbortController().signal)
      },
    },
  ]
}

/** Files that are written beside their place and then renamed. */
const temporary = /(\.new|\.partial)$/

async function lookAtTemporaryFiles({ context, dataFolder }: DoctorContext): Promise<Ailment[]> {
  const before = context.clock.now().getTime() - dayMs
  const folders = [dataFolder.root, dataFolder.keys, dataFolder.cache]
  const old = (await Promise.all(folders.map((folder) => olderThan(folder, before, temporary)))).flat()
  if (old.length === 0) return []
  return [
    {
      severity: 'warning',
      subject: dataFolder.root,
      message: `${old.length} temporary ${old.length === 1 ? 'file is' : 'files are'} left over: ${old.slice(0, 3).join(', ')}${old.length > 3 ? ', …' : ''}.`,
      hint: 'A process was killed while it wrote. They may be deleted.',
      mend: async () => {
        for (const path of old) await rm(path, { recursive: true, force: true })
      },
    },
  ]
}

async function olderThan(folder: string, beforeMs: number, pattern: RegExp): Promise<string[]> {
  const names = ((await readdir(folder).catch(absent)) ?? []).filter((name) => pattern.test(name))
  const paths = names.map((name) => join(folder, name))
  const found = await Promise.all(paths.map(async (path) => ({ path, stat: await stat(path).catch(absent) })))
  return found.flatMap((one) => (one.stat !== undefined && one.stat.mtimeMs < beforeMs ? [one.path] : []))
}

function absent(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  throw error
}

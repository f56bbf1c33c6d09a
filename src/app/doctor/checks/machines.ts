import { machinesOf } from '../../../fleet/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

/** Machines are as declared, as they were found last; where containers are declared, this host can run them. */
export const machinesCheck: DoctorCheck = {
  name: 'machines',
  async look(context) {
    return [...(await lookForPlaces(context)), ...(await lookAtMachines(context))]
  },
}

async function lookForPlaces({ context: { siteHead, fleet } }: DoctorContext): Promise<Ailment[]> {
  const machines = machinesOf((await siteHead.current())?.site.sections)
  const places = [...new Set(Object.values(machines).map(({ at }) => at))]
  const lacking = await Promise.all(places.map(async (at) => (await fleet.options.place(at)).unusable()))
  return lacking.flatMap((lack) =>
    lack === undefined ? [] : [{ severity: 'error' as const, subject: 'machines', ...lack }],
  )
}

async function lookAtMachines({ context: { fleet } }: DoctorContext): Promise<Ailment[]> {
  const known = await fleet.memory.list()
  return known.flatMap(({ name, state, detail, runId }): Ailment[] => {
    if (state === 'converged') return []
    const message = detail.why ?? (state === 'changing' ? 'It was begun, and never finished.' : `It is ${state}.`)
    const hint = `larder machine show ${name}; then larder machine apply --limit ${name}`
    const severity = state === 'changing' ? 'warning' : 'error'
    return [
      {
        severity,
        subject: `machine ${name}`,
        message,
        hint: runId === undefined ? hint : `larder run logs ${runId}; ${hint}`,
      },
    ]
  })
}

import type { DoctorCheck } from '../check.ts'

const lateMs = 5 * 60_000

/** What forges delivered has been settled. */
export const eventsCheck: DoctorCheck = {
  name: 'events',
  async look({ context, events, settleDeliveries }) {
    const before = context.clock.now().getTime() - lateMs
    const late = (await events.waiting()).filter((event) => event.receivedAt.getTime() < before)
    const [oldest] = late
    if (oldest === undefined) return []
    return [
      {
        severity: 'warning',
        subject: `${oldest.forge} deliveries`,
        message: `${late.length} ${late.length === 1 ? 'delivery waits' : 'deliveries wait'} to be settled, the oldest since ${oldest.receivedAt.toISOString()}.`,
        hint: 'The repository of the forge could not be fetched, or no controller ran. They are settled at its next start.',
        mend: settleDeliveries,
      },
    ]
  },
}

import type { OutboxMessage } from '../../../pipeline/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

const lateMs = 3600_000

/** Forges and listeners have taken what they are owed. */
export const outboxCheck: DoctorCheck = {
  name: 'outbox',
  async look({ context, outbox, isServing }) {
    const late = await outbox.waitingSince(new Date(context.clock.now().getTime() - lateMs))
    const kinds = Map.groupBy(late, ({ kind }) => kind)
    return [...kinds].map(([kind, messages]) => stuck(kind, messages, isServing))
  },
}

const receivers = {
  status: { one: 'state of a commit waits', many: 'states of commits wait', who: 'the forge' },
  comment: { one: 'comment waits', many: 'comments wait', who: 'the forge' },
  notification: { one: 'notification waits', many: 'notifications wait', who: 'their listeners' },
} as const

function stuck(kind: OutboxMessage['kind'], messages: readonly OutboxMessage[], isServing: boolean): Ailment {
  const { one, many, who } = receivers[kind]
  const [oldest] = messages
  const count = messages.length === 100 ? 'At least 100' : String(messages.length)
  const failed = messages.findLast(({ reason }) => reason !== undefined)
  const why = failed?.reason === undefined ? '' : ` ${failed.reason}`
  return {
    severity: 'warning',
    subject: 'outbox',
    message: `${count} ${messages.length === 1 ? one : many} for ${who}, the oldest since ${oldest?.createdAt.toISOString() ?? ''}.${why}`,
    hint: isServing
      ? 'They are tried again for three days. Is the forge or listener there, and does the token in controller.yaml have the rights?'
      : 'larder up: they are sent by the controller.',
  }
}

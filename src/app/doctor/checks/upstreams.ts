import type { LarderError } from '../../../core/index.ts'
import type { LoadedUpstream } from '../../../mirror/index.ts'
import type { Ailment, DoctorCheck } from '../check.ts'

const dayMs = 24 * 3600_000
const nearMs = dayMs

/** Every upstream of every mirror of the head of main can be reached, is signed as it should be, and is not about to expire. */
export const upstreamsCheck: DoctorCheck = {
  name: 'upstreams',
  async look({ context, loadMirrors }) {
    const now = context.clock.now()
    const found = (await loadMirrors()).flatMap(({ mirror, upstreams, failures }) => [
      ...failures.map(({ subject, error }) => failing({ subject, mirror, error, now })),
      ...upstreams.flatMap((upstream) => judgeUpstream(upstream, now)),
    ])
    // Several mirrors may share an upstream.
    return [...new Map(found.map((ailment) => [`${ailment.subject} ${ailment.message}`, ailment])).values()]
  },
}

function failing({
  subject,
  mirror,
  error,
  now,
}: {
  subject: string
  mirror: string
  error: LarderError
  now: Date
}): Ailment {
  const { lastGoodAt, upstream } = error.context
  const age =
    typeof lastGoodAt === 'string' ? ` It was good ${describeAge(now.getTime() - Date.parse(lastGoodAt))} ago.` : ''
  return {
    severity: 'error',
    subject: typeof upstream === 'string' ? `upstream ${upstream}` : subject,
    message: `Mirror ${mirror} cannot be brought up to date: ${error.message} [${error.code}]${age}`,
    hint: error.hint ?? 'What is published goes on being served. larder mirror sync tries again.',
  }
}

/** Pure. */
export function judgeUpstream({ upstream, part, madeAt, validUntil, notes }: LoadedUpstream, now: Date): Ailment[] {
  const subject = `upstream ${upstream}`
  const leftMs = validUntil === undefined ? Infinity : validUntil.getTime() - now.getTime()
  const expiry: Ailment[] =
    leftMs < nearMs
      ? [
          {
            severity: 'warning',
            subject,
            message: `${part} of ${subject}, made ${describeAge(now.getTime() - madeAt.getTime())} ago, ${leftMs < 0 ? 'expired' : 'expires'} at ${validUntil?.toISOString() ?? ''}.`,
            hint: 'A live upstream renews it in time: this one may be dead, or its address may lag behind.',
          },
        ]
      : []
  const unverified = notes.filter((note) => note.includes('NOT VERIFIED'))
  return [
    ...expiry,
    ...unverified.map((message): Ailment => ({
      severity: 'warning',
      subject,
      message,
      hint: 'Give `keys` and remove allowUnsigned.',
    })),
  ]
}

function describeAge(ms: number): string {
  const hours = ms / 3600_000
  if (hours < 1) return `${Math.max(0, Math.round(ms / 60_000))} minutes`
  return hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`
}

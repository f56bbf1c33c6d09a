import { isLarderError } from '../../../core/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

const dayMs = 24 * 3600_000
const warnBeforeMs = 7 * dayMs

/** Every published mirror has a key that can be read, that signs, and that is not about to go. */
export const keysCheck: DoctorCheck = {
  name: 'keys',
  async look(context) {
    const mirrors = await context.context.publisher.mirrors()
    return (await Promise.all(mirrors.map((mirror) => lookAtKeys(context, mirror)))).flat()
  },
}

async function lookAtKeys({ keyring, context }: DoctorContext, mirror: string): Promise<Ailment[]> {
  const subject = `mirror ${mirror}`
  try {
    const keys = await keyring.list(mirror)
    if (keys.length === 0) return [lost(mirror)]
    const now = context.clock.now()
    await (await context.signingKey(mirror)).signDetached(Buffer.from('larder doctor'), now)
    return keys.flatMap(({ fingerprint, retiresAt, expiresAt }) => [
      ...(retiresAt !== undefined && retiresAt.getTime() - now.getTime() < warnBeforeMs
        ? [retiring(mirror, fingerprint, retiresAt)]
        : []),
      ...(expiresAt !== undefined && expiresAt.getTime() - now.getTime() < 4 * warnBeforeMs
        ? [expiring(mirror, expiresAt, now)]
        : []),
    ])
  } catch (error) {
    if (!isLarderError(error)) throw error
    const hint = error.hint === undefined ? {} : { hint: error.hint }
    return [{ severity: 'error', subject, message: `The key of ${subject} cannot sign: ${error.message}`, ...hint }]
  }
}

function lost(mirror: string): Ailment {
  return {
    severity: 'error',
    subject: `mirror ${mirror}`,
    message: `The signing key of mirror ${mirror} is gone: what is published next would be signed by a new one that no client trusts.`,
    hint: `Restore keys/${mirror}.json from a backup (docs/operations.md). Without one, every client must run /setup/${mirror} again.`,
  }
}

function retiring(mirror: string, fingerprint: string, at: Date): Ailment {
  return {
    severity: 'warning',
    subject: `mirror ${mirror}`,
    message: `The key ${fingerprint} no longer signs mirror ${mirror} from ${at.toISOString()} on.`,
    hint: `Clients that have only that key will refuse the mirror then: they fetch the new one from /keys/${mirror}.asc.`,
  }
}

function expiring(mirror: string, at: Date, now: Date): Ailment {
  return {
    severity: at <= now ? 'error' : 'warning',
    subject: `mirror ${mirror}`,
    message: `The key of mirror ${mirror} ${at <= now ? 'expired' : 'expires'} at ${at.toISOString()}.`,
    hint: `larder key rotate ${mirror}`,
  }
}

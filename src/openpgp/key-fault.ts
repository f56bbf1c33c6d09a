import type { PublicKey, Subkey } from 'openpgp'
import { fingerprintOf } from './keyring.ts'

export interface KeyFault {
  kind: 'revoked' | 'expired' | 'untrusted'
  reason: string
}

/** Why a key, or the subkey of it that signed, is not to be believed now; undefined when it is. */
export function faultOfKey(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<KeyFault | undefined> {
  const known = judged.get(part)
  if (known?.key === key && known.nowMs === now.getTime()) return known.fault
  const fault = findFault(key, part, now)
  judged.set(part, { key, nowMs: now.getTime(), fault })
  return fault
}

/** Thousands of packages are looked at by one key and one clock. */
const judged = new WeakMap<
  PublicKey | Subkey,
  { key: PublicKey; nowMs: number; fault: Promise<KeyFault | undefined> }
>()

async function findFault(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<KeyFault | undefined> {
  const name = fingerprintOf(part)
  if (await isRevoked(key, part, now)) return { kind: 'revoked', reason: `the key ${name} was revoked` }
  const expiresAt = await expiryOf(key, part, now)
  if (expiresAt !== undefined && expiresAt <= now) {
    return { kind: 'expired', reason: `the key ${name} expired at ${expiresAt.toISOString()}` }
  }
  try {
    await key.getSigningKey(part.getKeyID(), now)
    return undefined
  } catch (error) {
    // openpgp throws plain Error: no valid self-signature or binding, a weak algorithm, not a signing key
    return {
      kind: 'untrusted',
      reason: `the key ${name} cannot be used: ${error instanceof Error ? error.message : ''}`,
    }
  }
}

async function isRevoked(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<boolean> {
  const parts = part === key ? [key] : [key, part]
  for (const each of parts) {
    // Any revocation counts, by whichever signature: so no signature is named, which the types do not foresee.
    const subject = each as { isRevoked(signature: undefined, key: undefined, date: Date): Promise<boolean> }
    if (await subject.isRevoked(undefined, undefined, now)) return true
  }
  return false
}

/** The earlier of both ends; undefined for a key that does not end or has no valid signature of its own. */
async function expiryOf(key: PublicKey, part: PublicKey | Subkey, now: Date): Promise<Date | undefined> {
  const ends = [await key.getExpirationTime()]
  if (part !== key) ends.push(await part.getExpirationTime(now))
  return ends.filter((end) => end instanceof Date).sort((a, b) => a.getTime() - b.getTime())[0]
}

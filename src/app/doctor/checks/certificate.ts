import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Ailment, DoctorContext } from '../check.ts'

/** Ours is made anew 30 days before its end; one that is given is somebody's to renew. */
const nearMs = 21 * 24 * 3600_000

/** What TLS is served with is not near its end. */
export async function lookAtCertificate({ dataFolder, context, tls }: DoctorContext): Promise<Ailment[]> {
  const given = tls?.certificateFile
  const path = given === undefined ? join(dataFolder.tls, 'server.crt') : resolve(dataFolder.root, given)
  const pem = await readFile(path, 'utf8').catch(() => undefined)
  if (pem === undefined && given === undefined) return []
  const hint =
    given === undefined
      ? 'Start larder up again: it makes another one.'
      : `Put another one into ${path}, and its key into ${tls?.keyFile ?? 'keyFile'}: they are served within the hour.`
  return judgeCertificate(pem ?? '', { path, now: context.clock.now(), hint })
}

export function judgeCertificate(
  pem: string,
  { path, now, hint }: { path: string; now: Date; hint: string },
): Ailment[] {
  const endsAt = endOf(pem)
  if (endsAt === undefined) return [{ severity: 'error', subject: 'TLS', message: `${path} is no certificate.`, hint }]
  if (endsAt.getTime() - now.getTime() > nearMs) return []
  const isOver = endsAt <= now
  const message = isOver
    ? `The certificate of TLS was valid until ${endsAt.toISOString()}: no client takes it any more.`
    : `The certificate of TLS is valid until ${endsAt.toISOString()} only.`
  return [{ severity: isOver ? 'error' : 'warning', subject: 'TLS', message, hint }]
}

function endOf(pem: string): Date | undefined {
  try {
    return new Date(new X509Certificate(pem).validTo)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code?.startsWith('ERR_OSSL') === true) return undefined
    throw error
  }
}

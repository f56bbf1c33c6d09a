import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isLarderError } from '../../../core/index.ts'
import { chooseBuilder, imageBuilders } from '../../../oci/index.ts'
import type { Ailment, DoctorCheck, DoctorContext } from '../check.ts'

/** Images can be built where the site declares some, and their last build is good; the certificate is not near its end. */
export const imagesCheck: DoctorCheck = {
  name: 'images',
  async look(context) {
    return [...(await lookForBuilder(context)), ...(await lookAtBuilds(context)), ...(await lookAtCertificate(context))]
  },
}

async function lookForBuilder({ context }: DoctorContext): Promise<Ailment[]> {
  const head = await context.siteHead.current()
  const images = head?.site.sections['images'] as { builder?: 'buildkit' | 'buildah' | 'docker' } | undefined
  if (images === undefined) return []
  try {
    await chooseBuilder(imageBuilders(), images.builder)
    return []
  } catch (error) {
    if (!isLarderError(error, 'BUILD_ENGINE_MISSING')) throw error
    const { message, hint } = error
    return [{ severity: 'error', subject: 'images', message, ...(hint === undefined ? {} : { hint }) }]
  }
}

async function lookAtBuilds({ context: { images } }: DoctorContext): Promise<Ailment[]> {
  const names = await images.builds.images()
  const latest = await Promise.all(names.map((name) => images.builds.latest(name)))
  return latest.flatMap((build) => {
    if (build?.state !== 'failed') return []
    const message = `The last build of ${build.version} failed: ${build.error?.message ?? ''}`
    const hint = `larder run logs ${build.runId}`
    return [{ severity: 'warning' as const, subject: `image ${build.image}`, message, hint }]
  })
}

/** Ours is made anew 30 days before its end; one that is given is somebody's to renew. */
const nearMs = 21 * 24 * 3600_000

async function lookAtCertificate({ dataFolder, context }: DoctorContext): Promise<Ailment[]> {
  const path = join(dataFolder.tls, 'server.crt')
  const pem = await readFile(path, 'utf8').catch(() => undefined)
  if (pem === undefined) return []
  const endsAt = new Date(new X509Certificate(pem).validTo)
  if (endsAt.getTime() - context.clock.now().getTime() > nearMs) return []
  const message = `The certificate of TLS is valid until ${endsAt.toISOString()} only.`
  return [{ severity: 'warning', subject: 'TLS', message, hint: 'Start larder up again: it makes another one.' }]
}

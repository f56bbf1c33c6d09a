import type { IncomingHttpHeaders } from 'node:http'
import { LarderError, type Clock } from '../../../core/index.ts'
import { forges, type Forge, type HookHeaders, type RawDelivery } from '../../../forge/index.ts'
import type { Controller, Delivery } from '../../controller.ts'
import { readHookBody } from './hook-body.ts'

export interface HookTarget {
  controller: Pick<Controller, 'acceptDelivery'>
  clock: Clock
  hooks: { forge: Forge; secrets: () => readonly string[] } | undefined
}

/**
 * Checks a delivery, and keeps it. `name` is that of the forge in the address.
 * HOOK_FORGE_UNSUPPORTED, HOOK_SECRET_MISSING, HOOK_SIGNATURE_BAD, HOOK_MALFORMED, and what keeping it throws.
 */
export async function acceptDelivery(
  { controller, clock, hooks }: HookTarget,
  name: string,
  given: IncomingHttpHeaders,
  bytes: Buffer,
): Promise<{ status: 'accepted' | 'duplicate'; id: number }> {
  const { forge, secrets } = expectedHooks(hooks, name)
  const headers = headersOf(given)
  refuseOthers(forge, headers)
  const known = secrets().filter((secret) => secret !== '')
  if (known.length === 0) {
    throw new LarderError('HOOK_SECRET_MISSING', {
      message: `No secret is configured for deliveries of ${forge.title}, so this one cannot be believed.`,
      hint: 'Put the secret of the hook into the file that controller.yaml names (secretsFile), and redeliver.',
    })
  }
  const delivery: RawDelivery = { headers, bytes, text: readHookBody(bytes, headers['content-type']) }
  if (!forge.verify(delivery, known, clock.now())) {
    throw new LarderError('HOOK_SIGNATURE_BAD', {
      message: 'The delivery is not signed with the secret of this hook.',
      hint: 'Set the same secret in the settings of the hook, and the content type application/json.',
    })
  }
  return controller.acceptDelivery(readDelivery(forge, delivery))
}

/** Forgejo keeps the hooks of Gitea. */
function expectedHooks(hooks: HookTarget['hooks'], name: string): NonNullable<HookTarget['hooks']> {
  const asked = name === 'forgejo' ? 'gitea' : name
  if (hooks?.forge.name === asked) return hooks
  const where = hooks === undefined ? 'No forge is configured' : `The site is at ${hooks.forge.title}`
  throw new LarderError('HOOK_FORGE_UNSUPPORTED', {
    message: `${where}, so no deliveries are taken here.`,
    hint: 'controller.yaml says where the site is: section forge.',
  })
}

/** A hook that was set up for another kind of forge is told so, rather than that its signature is wrong. */
function refuseOthers(forge: Forge, headers: HookHeaders): void {
  if (forge.recognizes(headers)) return
  const other = forges.find((one) => one.recognizes(headers))
  throw new LarderError('HOOK_MALFORMED', {
    message:
      other === undefined
        ? `The delivery has none of the headers of ${forge.title}.`
        : `The delivery is of ${other.title}, and this address is for ${forge.title}.`,
  })
}

/** A delivery that cannot be understood is refused now, where the person who set up the hook sees it. HOOK_MALFORMED. */
function readDelivery(forge: Forge, delivery: RawDelivery): Delivery {
  const { deliveryId, event } = forge.envelope(delivery)
  const { text } = delivery
  const meaning = forge.parse(event, text)
  return { forge: forge.name, repository: forge.repositoryOf(event, text), deliveryId, event, body: text, meaning }
}

/** Of what Node leaves as several, nothing is looked at. */
function headersOf(given: IncomingHttpHeaders): HookHeaders {
  const headers: Record<string, string | undefined> = {}
  for (const name of Object.keys(given)) {
    const value = given[name]
    if (!Array.isArray(value)) headers[name] = value
  }
  return headers
}

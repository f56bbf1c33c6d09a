import { isDeepStrictEqual } from 'node:util'
import { LarderError, ownValue, type KindContext } from '../core/index.ts'
import { upstreamsOf, type MirrorsConfig } from './mirror-schema.ts'

/**
 * What nobody has vouched for may ask for other packages, and for nothing else: upstreams and the files of their keys
 * are as main has them, or Larder would fetch from wherever a stranger says, and believe whom a stranger names.
 * FORK_NEEDS_APPROVAL.
 */
export async function refuseUntrusted(context: KindContext, desired: MirrorsConfig): Promise<void> {
  const { trust, baseline, site, files } = context
  if (trust === 'trusted') return
  const before = upstreamsOf(baseline?.site)
  const after = upstreamsOf(site)
  const used = new Set(Object.values(desired).flatMap((mirror) => mirror.upstreams))
  for (const name of used) {
    if (!isDeepStrictEqual(ownValue(before, name), ownValue(after, name)))
      throw refused(`the upstream ${name} is not as main has it`)
  }
  for (const path of keyFilesOf(after, desired)) {
    const [old, young] = await Promise.all([baseline?.files.read(path), files.read(path)])
    if (old === undefined || young === undefined || !old.equals(young)) throw refused(`${path} is not as main has it`)
  }
}

/** Whatever is named as a key, wherever the format has it. */
function keyFilesOf(upstreams: Record<string, unknown>, desired: MirrorsConfig): string[] {
  const found = new Set<string>()
  const collect = (value: unknown, isKey: boolean): void => {
    if (typeof value === 'string' && isKey && !value.startsWith('/')) found.add(value)
    else if (Array.isArray(value)) for (const item of value) collect(item, isKey)
    else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) collect(item, isKey || /keys?$/i.test(name))
    }
  }
  collect(upstreams, false)
  collect(desired, false)
  return [...found]
}

function refused(why: string): LarderError {
  return new LarderError('FORK_NEEDS_APPROVAL', {
    message: `This pull request comes from a fork, and ${why}.`,
    hint: 'Somebody who may merge looks at the change and comments /larder ok.',
  })
}

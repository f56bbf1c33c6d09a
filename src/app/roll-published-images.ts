import { servicesOf, type ServicesConfig } from '../fleet/index.ts'
import type { Run } from '../pipeline/index.ts'
import type { ControllerContext } from './controller/context.ts'

/**
 * Services of main run the newest version of images that are built of another branch. What a run of that has published is
 * brought to them by a run of main that is about services alone.
 */
export async function rollPublishedImages(
  {
    siteHead,
    images,
    fleet,
    runs,
    runner,
  }: Pick<ControllerContext, 'siteHead' | 'images' | 'fleet' | 'runs' | 'runner'>,
  { goal, branch, plan }: Run,
): Promise<void> {
  if (goal !== 'apply' || branch === 'main') return
  const built = (plan ?? []).flatMap(({ subject }) => /^image (.+)$/.exec(subject)?.[1] ?? [])
  const head = built.length === 0 ? undefined : await siteHead.current()
  if (head === undefined) return
  const services = servicesOf(head.site.sections)
  const known = await fleet.services.memory.list()
  const digests = new Map(
    await Promise.all(built.map(async (name) => [name, (await images.published(name))?.digest] as const)),
  )
  const isOlder = ([name, { image, machines }]: [string, ServicesConfig[string]]): boolean => {
    const digest = digests.get(image ?? '')
    if (digest === undefined) return false
    const isNewest = (machine: string): boolean =>
      known.some(
        (one) => one.name === name && one.machine === machine && one.reference?.endsWith(`@${digest}`) === true,
      )
    return !machines.every(isNewest)
  }
  const older = Object.entries(services).filter(isOlder)
  if (older.length === 0) return
  const names = [...new Set(older.map(([, { image }]) => image))].join(', ')
  const about = { branch: 'main', commit: head.commit, goal: 'apply', sections: ['services'] } as const
  await runs.create({ ...about, origin: `${names}, built of ${branch}` })
  runner.wake()
}

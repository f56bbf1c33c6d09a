import { expect, test } from 'vitest'
import type { NewRun } from '../../pipeline/index.ts'
import type { ControllerContext } from './context.ts'
import { createMachineMethods } from './machines.ts'

test('an apply that is limited to machines is no apply of the whole site, for which it would stand', async () => {
  const created: NewRun[] = []
  const sections = { machines: { a: { at: 'local' }, b: { at: 'ssh' } } }
  const context = {
    siteHead: { current: async () => ({ commit: 'c0ffee', site: { name: 'test', sections } }) },
    runs: {
      create: async (run: NewRun) => ({ ...run, id: created.push(run), createdAt: new Date(0) }),
    },
    runner: { wake: () => {} },
    fleet: {
      kinds: [{ section: 'network' }, { section: 'machines' }],
    },
  } as unknown as ControllerContext
  const { applyMachines } = createMachineMethods(context)
  await applyMachines(['a'])
  await applyMachines(undefined)
  const common = { branch: 'main', commit: 'c0ffee', goal: 'apply' }
  expect(created).toEqual([
    { ...common, origin: 'machine apply --limit a', sections: ['network', 'machines'], only: { machines: ['a'] } },
    { ...common, origin: 'machine apply' },
  ])
  await expect(applyMachines(['a', 'c'])).rejects.toMatchObject({ code: 'FLEET_MACHINE_UNKNOWN' })
})

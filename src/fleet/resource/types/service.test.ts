import { expect, it } from 'vitest'
import { debianHost } from '../../testing/converge.ts'
import type { UnitFacts } from '../unit-facts.ts'
import { serviceType } from './service.ts'

const good = { loadState: 'loaded', activeState: 'active', unitFileState: 'enabled', needsReload: false }
const off = { running: false, enabled: false }

it.each<[object, Partial<UnitFacts>, string[]]>([
  [{}, {}, []],
  [{}, { activeState: 'activating' }, ['running']],
  [{}, { needsReload: true }, ['loaded']],
  [off, { unitFileState: 'disabled' }, ['running']],
  [off, { unitFileState: 'disabled', activeState: 'inactive', needsReload: true }, []],
  [off, { unitFileState: 'disabled', activeState: 'failed' }, []],
  // It waits for its next start: systemd.service(5), Restart.
  [off, { unitFileState: 'disabled', activeState: 'activating' }, ['running']],
  [off, { unitFileState: '', activeState: 'inactive', loadState: 'not-found' }, []],
])('of %j, found as %j, differs: %j', async (declared, found, differs) => {
  const desired = serviceType.schema.parse({ service: 'app', ...declared })
  expect(serviceType.diff(desired, { ...good, ...found }).map(({ what }) => what)).toEqual(differs)
})

it('reads a text again that has changed, before it is begun anew, and does not begin it anew for that alone', () => {
  const desired = serviceType.schema.parse({ service: 'app' })
  expect(serviceType.notified?.(desired).shell).toMatch(/NeedDaemonReload[^]*daemon-reload[^]*systemctl restart/)
  const facts = { ...good, needsReload: true }
  const { shell } = serviceType.apply(desired, {
    facts,
    differences: serviceType.diff(desired, facts),
    host: debianHost,
  })
  expect(shell.trim()).toBe('systemctl daemon-reload')
})

it('comes after the text of its unit, however that is declared', () => {
  const before = serviceType.after?.(serviceType.schema.parse({ service: 'app@1' }))
  const ofFiles = ['app@1.service', 'app@.service', 'app@1.service.d/*'].map(
    (name) => `file:/etc/systemd/system/${name}`,
  )
  expect(before).toEqual(expect.arrayContaining(ofFiles))
})

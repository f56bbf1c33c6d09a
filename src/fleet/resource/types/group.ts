import { z } from 'zod'
import { lines, nothing, sh } from '../../shell/script.ts'
import { accountScript, cutOff, readAccounts } from '../fact-text.ts'
import { accountName, presence } from '../grammar.ts'
import type { ResourceType } from '../resource-type.ts'

const schema = z
  .strictObject({
    group: accountName,
    gid: z.int().min(0).max(4_294_967_294).optional().describe('Default: the next that is free'),
    system: z.boolean().default(false).describe('Numbered as groups of the system are'),
    state: presence,
  })
  .describe('A group')

type Declared = z.output<typeof schema>

/** Undefined: it is not there. */
export type GroupFacts = { readonly gid: number } | undefined

export const groupType: ResourceType<Declared, Declared, GroupFacts> = {
  name: 'group',
  schema,
  subjectOf: (declared) => declared.group,
  resolve: async (declared) => declared,
  /** One that is the first of somebody's stays as long as they do. */
  after: ({ state }) => (state === 'absent' ? ['user:*'] : []),
  facts: (all) =>
    accountScript(
      'group',
      all.map(({ group }) => group),
    ),
  read: (output, all) => {
    const known = readAccounts(output, 'group')
    return all.map(({ group }) => {
      if (known === undefined) return { known: false, why: cutOff }
      const entry = known.get(group)
      if (entry === undefined) return { known: true, facts: undefined }
      const [, , gid = ''] = entry
      return /^[0-9]+$/.test(gid) ? { known: true, facts: { gid: Number(gid) } } : { known: false, why: cutOff }
    })
  },
  diff: ({ gid, state }, facts) => {
    if (state === 'absent') return facts === undefined ? [] : [{ what: 'state', from: 'present' }]
    if (facts === undefined) return [{ what: 'state', to: 'present' }]
    return gid === undefined || gid === facts.gid ? [] : [{ what: 'gid', from: String(facts.gid), to: String(gid) }]
  },
  apply: ({ group, gid, system, state }) => {
    if (state === 'absent') return sh`! getent group ${group} >/dev/null || groupdel -- ${group}`
    const number = gid === undefined ? nothing : sh`-g ${gid}`
    return lines(
      sh`if ! getent group ${group} >/dev/null; then groupadd ${system ? ['-r'] : []} ${number} -- ${group}`,
      gid === undefined ? sh`fi` : sh`else groupmod -g ${gid} -- ${group}; fi`,
    )
  },
}

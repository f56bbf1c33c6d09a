import { z } from 'zod'
import { sh } from '../../shell/script.ts'
import { enterFolder, placeOf } from '../enter-folder.ts'
import { hostPath, oneLine, presence } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import { aboveAbsent, folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'
import { seenPath } from '../seen.ts'

const schema = z
  .strictObject({
    link: hostPath,
    to: oneLine.min(1).optional().describe('Where it leads; need not be there'),
    state: presence,
  })
  .refine(({ to, state }) => state === 'absent' || to !== undefined, '"to" is missing: where the link leads')
  .describe('A symbolic link')

type Declared = z.output<typeof schema>

export const linkType: ResourceType<Declared, Declared, PathFacts> = {
  name: 'link',
  schema,
  subjectOf: (declared) => declared.link,
  resolve: async (declared) => declared,
  after: ({ link, state }) => (state === 'absent' ? aboveAbsent(link) : folderAndOwners(link, undefined)),
  asks: ({ link }) => ({ paths: [{ path: link }] }),
  read: (_, _all, seen) => seen.map(seenPath),
  diff: ({ to, state }, facts) => {
    if (state === 'absent') return facts.kind === 'absent' ? [] : [{ what: 'state', from: facts.kind }]
    if (facts.kind === 'link') return facts.target === to ? [] : [{ what: 'target', from: facts.target, to }]
    const kind = facts.kind === 'absent' ? [] : [{ what: 'kind', from: facts.kind, to: 'link' }]
    return [...kind, { what: 'target', to }]
  },
  /** ln(1) makes it under another name and renames it, so that it always leads somewhere; -T refuses to replace a directory. */
  apply: ({ link, to = '', state }) => {
    const { folder, at } = placeOf(link)
    if (state === 'present') return sh`(\numask 022\n${enterFolder(folder)}\nln -s -f -T -- ${to} ${at}\n)`
    return sh`(
${enterFolder(folder, 'nothing to do')}
[ ! -L ${at} ] || rm -f -- ${at}
[ ! -e ${at} ] || { echo ${`${link} is no link: it is left alone`} >&2; exit 1; }
)`
  },
}

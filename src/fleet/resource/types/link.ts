import { z } from 'zod'
import { sh } from '../../shell/script.ts'
import { cutOff } from '../fact-text.ts'
import { hostPath, oneLine, presence } from '../grammar.ts'
import { pathScript, readPaths, type PathFacts } from '../path-facts.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'

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
  after: ({ link }) => folderAndOwners(link, undefined),
  facts: (all) => pathScript(all.map(({ link }) => ({ path: link }))),
  read: (output, all) =>
    readPaths(output, all.length).map((facts) =>
      facts === undefined ? { known: false, why: cutOff } : { known: true, facts },
    ),
  diff: ({ to, state }, facts) => {
    if (state === 'absent') return facts.kind === 'absent' ? [] : [{ what: 'state', from: facts.kind }]
    if (facts.kind === 'link') return facts.target === to ? [] : [{ what: 'target', from: facts.target, to }]
    const kind = facts.kind === 'absent' ? [] : [{ what: 'kind', from: facts.kind, to: 'link' }]
    return [...kind, { what: 'target', to }]
  },
  /** Under another name first, so that it always leads somewhere; mv(1) refuses to replace a directory. */
  apply: ({ link, to = '', state }) => {
    if (state === 'absent')
      return sh`[ ! -L ${link} ] || rm -f -- ${link}\n[ ! -e ${link} ] || { echo ${`${link} is no link: it is left alone`} >&2; exit 1; }`
    const folder = link.slice(0, link.lastIndexOf('/')) || '/'
    return sh`umask 022
mkdir -p -- ${folder}
new=$(mktemp -u ${`${link}.larder-XXXXXX`})
ln -s -- ${to} "$new"
mv -T -f -- "$new" ${link} || { rm -f -- "$new"; exit 1; }`
  },
}

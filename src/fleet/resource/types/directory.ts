import { z } from 'zod'
import { sh } from '../../shell/script.ts'
import { attributeDifferences } from '../content.ts'
import { enterFolder, enterPart, placeOf } from '../enter-folder.ts'
import { fileMode, fullMode, hostPath, ownerName, presence } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import { aboveAbsent, folderAndOwners, whatIsIn } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'
import { seenPath } from '../seen.ts'
import { giveTo } from '../write-file.ts'

const schema = z
  .strictObject({
    directory: hostPath.refine((path) => path !== '/', 'the root is there already'),
    mode: fileMode.default('0755'),
    owner: ownerName.default('root'),
    group: ownerName.default('root'),
    recursive: z.boolean().default(false).describe('state: absent also removes what is in it'),
    state: presence,
  })
  .describe('A directory; those above it are made as well')

type Declared = z.output<typeof schema>

export const directoryType: ResourceType<Declared, Declared, PathFacts> = {
  name: 'directory',
  schema,
  subjectOf: (declared) => declared.directory,
  resolve: async (declared) => ({ ...declared, mode: fullMode(declared.mode) }),
  after: (desired) => {
    const { directory, state } = desired
    return state === 'absent'
      ? [...aboveAbsent(directory), ...whatIsIn(directory)]
      : folderAndOwners(directory, desired)
  },
  asks: ({ directory }) => ({ paths: [{ path: directory }] }),
  read: (_, _all, seen) => seen.map(seenPath),
  diff: (desired, facts) => {
    if (desired.state === 'absent') {
      return facts.kind === 'absent' ? [] : [{ what: 'state', from: facts.kind, to: undefined }]
    }
    if (facts.kind === 'directory') return attributeDifferences(desired, facts)
    return [{ what: 'state', from: facts.kind === 'absent' ? undefined : facts.kind, to: 'directory' }]
  },
  apply: (desired) => {
    const { directory, state, recursive, mode } = desired
    const { folder, name, at } = placeOf(directory)
    // What is mounted below it is not ours to remove.
    const remove = recursive ? sh`rm -rf --one-file-system -- ${at}` : sh`[ ! -e ${at} ] || rmdir -- ${at}`
    if (state === 'absent') return sh`(\n${enterFolder(folder, 'nothing to do')}\n${remove}\n)`
    // With five digits chmod(1) takes away what a folder has inherited from the one above it.
    return sh`(
umask 022
${enterFolder(folder)}
[ -d ${at} ] || mkdir -- ${at}
${enterPart(name)}
${giveTo(sh`.`, desired)}
chmod ${`0${mode}`} .
)`
  },
}

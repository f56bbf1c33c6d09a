import { z } from 'zod'
import { lines, nothing, sh, type Script } from '../../shell/script.ts'
import { askedFile, desiredFile, fileDifferences, namedDifferences, type DesiredFile } from '../content.ts'
import { asWord, cutOff, fromWord, part, readPart } from '../fact-text.ts'
import { presence, siteName } from '../grammar.ts'
import { forOtherSources } from '../package-sources.ts'
import type { PathFacts } from '../path-facts.ts'
import type { Difference, MirrorSource, ResourceType } from '../resource-type.ts'
import { seenPaths } from '../seen.ts'
import { writeFile } from '../write-file.ts'

const schema = z
  .strictObject({
    repository: siteName.describe('Name of a mirror of this site'),
    only: z
      .boolean()
      .default(false)
      .describe('Other sources of packages are moved aside (/etc/apt/larder-aside, /etc/larder-aside)'),
    state: presence,
  })
  .describe('A mirror of this site, which packages then come from')

type Declared = z.output<typeof schema>

interface Desired {
  readonly name: string
  readonly only: boolean
  readonly isAbsent: boolean
  readonly format: MirrorSource['format']
  /** The source, keys where they are files of their own, and what tells which snapshot the machine has read the index of. */
  readonly files: readonly DesiredFile[]
}

export interface RepositoryFacts {
  readonly files: readonly PathFacts[]
  /** Paths of sources that are not Larder's. */
  readonly others: readonly string[]
}

export const repositoryType: ResourceType<Declared, Desired, RepositoryFacts> = {
  name: 'repository',
  schema,
  subjectOf: (declared) => declared.repository,
  names: (declared) => [{ kind: 'mirror', name: declared.repository, key: 'repository' }],
  resolve: async ({ repository, only, state }, room) => {
    const mirror = await room.mirror(repository)
    return {
      name: repository,
      only,
      isAbsent: state === 'absent',
      format: mirror.format,
      files: filesOf(repository, mirror),
    }
  },
  after: () => ['host-entry:*'],
  asks: ({ files }) => ({ paths: files.map(askedFile) }),
  facts: () => part('others', forOtherSources(sh`printf '%s' "$file" | ${asWord}`)),
  read: (output, all, seen) => {
    const others = readPart(output, 'others')?.flatMap((word) => fromWord(word)?.toString() ?? [])
    return seen.map((one, at) => {
      const files = seenPaths(one)
      if (others === undefined || files === undefined) return { known: false, why: cutOff }
      const folder = all[at]!.format === 'apt' ? '/etc/apt/' : '/etc/yum.repos.d/'
      return { known: true, facts: { files, others: others.filter((path) => path.startsWith(folder)) } }
    })
  },
  diff: (desired, { files, others }) => {
    if (desired.isAbsent) {
      return files.some(({ kind }) => kind !== 'absent') ? [{ what: 'state', from: 'present' }] : []
    }
    const differences = desired.files.flatMap((file, at) => differenceOf(file, files[at]!))
    const aside =
      desired.only && others.length > 0 ? [{ what: 'other sources', from: others.join('\n'), to: undefined }] : []
    return [...differences, ...aside]
  },
  apply: (desired) => {
    const { isAbsent, only, files, format } = desired
    if (isAbsent) return sh`rm -f -- ${files.map(({ path }) => path)}`
    const stamp = files.at(-1)!
    return lines(
      ...files.slice(0, -1).map((file) => writeFile(file)),
      only ? moveAside(format) : nothing,
      refresh(desired),
      writeFile(stamp),
    )
  },
}

function filesOf(name: string, { format, source, keys, snapshot }: MirrorSource): DesiredFile[] {
  const stamp = desiredFile(`/var/lib/larder/repository-${name}`, `snapshot ${snapshot}\n`)
  if (format === 'apt') return [desiredFile(`/etc/apt/sources.list.d/larder-${name}.sources`, source), stamp]
  const key = desiredFile(`/etc/pki/rpm-gpg/RPM-GPG-KEY-larder-${name}`, keys.join('\n'))
  return [...(keys.length === 0 ? [] : [key]), desiredFile(`/etc/yum.repos.d/larder-${name}.repo`, source), stamp]
}

function differenceOf(file: DesiredFile, facts: PathFacts): Difference[] {
  if (!file.path.startsWith('/var/lib/larder/')) return namedDifferences(file, facts)
  const content = fileDifferences(file, facts).find(({ what }) => what === 'content')
  return content === undefined
    ? []
    : [{ what: 'index', from: facts.text?.toString().trim(), to: file.content.toString().trim() }]
}

function moveAside(format: MirrorSource['format']): Script {
  const aside = format === 'apt' ? '/etc/apt/larder-aside' : '/etc/larder-aside'
  const folder = format === 'apt' ? '/etc/apt' : '/etc'
  // It writes its own redhat.repo anew whenever dnf runs: subscription-manager(8), manage_repos.
  const first =
    format === 'apt'
      ? nothing
      : sh`! command -v subscription-manager >/dev/null || subscription-manager config --rhsm.manage_repos=0 || :`
  const moved = forOtherSources(sh`case $file in ${folder}/*) ;; *) continue ;; esac
kept=${aside}"\${file#${folder}}"
mkdir -p -- "\${kept%/*}"
[ ! -e "$kept" ] || kept=$kept.$(date +%s)
mv -- "$file" "$kept"`)
  return lines(first, moved)
}

/** Only this one is read anew: others may be away. */
function refresh({ name, format, files }: Desired): Script {
  if (format === 'rpm') {
    return sh`"$(command -v dnf || command -v yum)" -q -y --disablerepo='*' --enablerepo=${`larder-${name}`} clean expire-cache
"$(command -v dnf || command -v yum)" -q -y --disablerepo='*' --enablerepo=${`larder-${name}`} makecache`
  }
  return sh`apt-get -q -o DPkg::Lock::Timeout=300 -o ${`Dir::Etc::sourcelist=${files[0]!.path}`} -o Dir::Etc::sourceparts=/dev/null -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any update`
}

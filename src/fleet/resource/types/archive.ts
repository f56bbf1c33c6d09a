import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LarderError } from '../../../core/index.ts'
import { sh } from '../../shell/script.ts'
import { cutOff } from '../fact-text.ts'
import { hostPath, ownerName, sitePath } from '../grammar.ts'
import { pathScript, readPaths, type PathFacts } from '../path-facts.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'

const schema = z
  .strictObject({
    archive: hostPath.refine((path) => path.lastIndexOf('/') > 0, 'a folder of its own, below another one, is needed'),
    source: sitePath
      .regex(
        /\.(?:tar|tar\.gz|tgz|tar\.xz|txz|tar\.zst|tar\.bz2|zip)$/,
        'a file that ends with .tar, .tar.gz, .tar.xz, .tar.zst, .tar.bz2 or .zip is needed',
      )
      .describe('A file of the repository, at most 64 MiB'),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits are needed')
      .optional()
      .describe('That the file must have'),
    strip: z.int().min(0).max(20).default(0).describe('How many folders are taken off each path (not of .zip)'),
    owner: ownerName.default('root'),
    group: ownerName.default('root'),
  })
  .refine(({ source, strip }) => strip === 0 || !source.endsWith('.zip'), 'strip is not known for .zip')
  .describe('A folder that holds what an archive of the repository holds. Another archive replaces it as a whole')

type Declared = z.output<typeof schema>

interface Desired extends Declared {
  readonly content: Buffer
  /** Of the archive and how it is unpacked; what the mark in the folder says. */
  readonly identity: string
}

export const archiveType: ResourceType<Declared, Desired, PathFacts> = {
  name: 'archive',
  schema,
  subjectOf: (declared) => declared.archive,
  names: ({ source }) => [{ kind: 'file', name: source, key: 'source' }],
  resolve: async (declared, room) => {
    const { source, sha256, strip, owner, group } = declared
    const content = await room.files.read(source)
    if (content === undefined) throw unusable(`There is no file ${JSON.stringify(source)} in the site repository.`)
    if (content.length > largestBytes) throw unusable(`${source} has ${content.length} bytes, more than 64 MiB.`)
    const digest = createHash('sha256').update(content).digest('hex')
    if (sha256 !== undefined && sha256 !== digest) throw unusable(`${source} has the SHA-256 ${digest}, not ${sha256}.`)
    return { ...declared, content, identity: `${digest} ${strip} ${owner}:${group}\n` }
  },
  after: ({ archive, owner, group }) => ['package:*', ...folderAndOwners(archive, { owner, group })],
  facts: (all) =>
    pathScript(
      all.map(({ archive, identity }) => ({
        path: `${archive}/${mark}`,
        sha256: createHash('sha256').update(identity).digest('hex'),
        isShown: true,
      })),
    ),
  read: (output, all) =>
    readPaths(output, all.length).map((facts) =>
      facts === undefined ? { known: false, why: cutOff } : { known: true, facts },
    ),
  diff: ({ identity }, { sha256, text }) => {
    if (sha256 === createHash('sha256').update(identity).digest('hex')) return []
    const from = text?.toString().trim()
    return [{ what: 'archive', ...(from === undefined ? {} : { from }), to: identity.trim() }]
  },
  /** Unpacked beside its place; what was there is moved away, and back when that fails. */
  apply: ({ archive, content, source, strip, owner, group, identity }) => {
    const [folder, name] = [archive.slice(0, archive.lastIndexOf('/')), archive.slice(archive.lastIndexOf('/') + 1)]
    const unpack = source.endsWith('.zip')
      ? sh`unzip -q "$work/archive" -d "$work/new"`
      : sh`tar -x -f "$work/archive" -C "$work/new" --no-same-owner ${`--strip-components=${strip}`}`
    return sh`(
umask 022
mkdir -p -- ${folder}
if [ -e ${archive} ] && [ ! -e ${`${archive}/${mark}`} ] && [ -n "$(ls -A -- ${archive})" ]; then echo ${`${archive} holds other files: it is left alone`} >&2; exit 1; fi
work=$(mktemp -d ${`${folder}/.${name}.larder-XXXXXX`})
trap 'rm -rf --one-file-system -- "$work"' EXIT
printf %s ${content.toString('base64')} | base64 -d >"$work/archive"
mkdir -- "$work/new"
${unpack}
printf %s ${identity} >"$work/new"/${mark}
chown -R -h ${`${owner}:${group}`} -- "$work/new"
[ ! -e ${archive} ] || mv -T -- ${archive} "$work/old"
mv -T -- "$work/new" ${archive} || { [ ! -e "$work/old" ] || mv -T -- "$work/old" ${archive}; exit 1; }
)`
  },
}

const mark = '.larder-archive'
const largestBytes = 64 * 1024 * 1024

function unusable(message: string): LarderError {
  return new LarderError('FLEET_RESOURCE_INVALID', { message, hint: 'See docs/fleet.md, archive.' })
}

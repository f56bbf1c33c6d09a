import { createHash } from 'node:crypto'
import { z } from 'zod'
import { LarderError } from '../../../core/index.ts'
import { nothing, sh } from '../../shell/script.ts'
import { enterFolder, enterOwnFolder, leftoversOf, placeOf, removeLeftovers } from '../enter-folder.ts'
import { cutOff, readRecords, records } from '../fact-text.ts'
import { hostPath, ownerName, sitePath } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import { folderAndOwners } from '../path-order.ts'
import type { ResourceType } from '../resource-type.ts'
import { bytesTo } from '../write-file.ts'

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

export interface ArchiveFacts {
  /** What says in the folder what was unpacked there. */
  readonly mark: PathFacts
  /** A run that was killed has left something beside it. */
  readonly hasLeftovers: boolean
}

export const archiveType: ResourceType<Declared, Desired, ArchiveFacts> = {
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
  asks: ({ archive, identity }) => ({
    paths: [{ path: `${archive}/${mark}`, sha256: createHash('sha256').update(identity).digest('hex'), isShown: true }],
  }),
  facts: (all) =>
    records(
      all.map(({ archive }) => {
        const { folder, name } = placeOf(archive)
        return sh`for old in ${leftoversOf(folder, name)}; do [ ! -e "$old" ] || echo left; done`
      }),
    ),
  read: (output, all, seen) => {
    const left = readRecords(output, all.length)
    return seen.map(({ paths: [facts] }, at) =>
      facts === undefined || left[at] === undefined
        ? { known: false, why: cutOff }
        : { known: true, facts: { mark: facts, hasLeftovers: left[at].has('left') } },
    )
  },
  diff: ({ identity }, { mark: { sha256, text }, hasLeftovers }) => {
    const left = hasLeftovers ? [{ what: 'leftovers', from: 'of a run that was killed', to: undefined }] : []
    if (sha256 === createHash('sha256').update(identity).digest('hex')) return left
    const from = text?.toString().trim()
    return [{ what: 'archive', ...(from === undefined ? {} : { from }), to: identity.trim() }, ...left]
  },
  /** Unpacked beside its place; what was there is moved away, and back when that fails. */
  apply: ({ archive, content, source, strip, owner, group, identity }, { differences }) => {
    const { folder, name, at } = placeOf(archive)
    const place = `../${name}`
    const unpack = source.endsWith('.zip')
      ? sh`unzip -q ./archive -d ./new`
      : sh`tar -x -f ./archive -C ./new --no-same-owner ${`--strip-components=${strip}`}`
    const replace = sh`if [ -e ${at} ] && [ ! -e ${`${at}/${mark}`} ] && [ -n "$(ls -A -- ${at})" ]; then echo ${`${archive} holds other files: it is left alone`} >&2; exit 1; fi
${enterOwnFolder(name, '0700')}
${bytesTo(content, sh`./archive`)}
mkdir ./new
${unpack}
printf %s ${identity} >./new/${mark}
chown -R -h ${`${owner}:${group}`} -- ./new
[ ! -e ${place} ] || mv -T -- ${place} ./old
mv -T -- ./new ${place} || { [ ! -e ./old ] || mv -T -- ./old ${place}; exit 1; }`
    const isUnpacked = differences.length > 0 && differences.every(({ what }) => what === 'leftovers')
    return sh`(
umask 022
${enterFolder(folder)}
${removeLeftovers(name)}
${isUnpacked ? nothing : replace}
)`
  },
}

const mark = '.larder-archive'
const largestBytes = 64 * 1024 * 1024

function unusable(message: string): LarderError {
  return new LarderError('FLEET_RESOURCE_INVALID', { message, hint: 'See docs/fleet.md, archive.' })
}

import { z } from 'zod'
import { LarderError } from '../../../core/index.ts'
import { secretNames } from '../../secret/secret-names.ts'
import { askedPath, desiredFile, fileDifferences, isRewritten, type DesiredFile } from '../content.ts'
import { commandLine, fileMode, fullMode, hostPath, ownerName, presence, siteName, sitePath } from '../grammar.ts'
import type { PathFacts } from '../path-facts.ts'
import { aboveAbsent, folderAndOwners } from '../path-order.ts'
import { renderTemplate, templateSecrets } from '../render-template.ts'
import type { Named, ResolveRoom, ResourceType } from '../resource-type.ts'
import { seenPath } from '../seen.ts'
import { removeFile, setAttributes, writeFile } from '../write-file.ts'

/** Where a text comes from: one of these. Shared by all types that write a text. */
export const textSources = {
  content: z.string().optional().describe('The text itself'),
  source: sitePath.optional().describe('A file of the repository, as it is'),
  template: sitePath.optional().describe('A mustache template of the repository'),
  inline: z.string().optional().describe('A mustache template, written here'),
  secret: siteName.optional().describe('A secret of the site: secrets/<name>.age. It is shown to nobody'),
} as const

export interface TextSource {
  content?: string | undefined
  source?: string | undefined
  template?: string | undefined
  inline?: string | undefined
  secret?: string | undefined
}

const whereIsIt =
  'it has to judge the new text, which is not in its place yet: `%s` is where it is, as in haproxy -c -f %s'

const schema = z
  .strictObject({
    file: hostPath,
    ...textSources,
    mode: fileMode.optional().describe('Default: "0644"; "0600" for what holds a secret'),
    owner: ownerName.default('root'),
    group: ownerName.default('root'),
    validate: commandLine
      .refine((line) => asArguments(line).some((word) => word.includes('%s')), whereIsIt)
      .optional()
      .describe('A program that judges the text before it is in place, as arguments; `%s` is where it is'),
    state: presence,
  })
  .refine(hasOneSource, 'one of content, source, template, inline and secret is needed, or `state: absent`')
  .describe('A file')

type Declared = z.output<typeof schema>

export interface Desired {
  readonly path: string
  /** Undefined: it shall not be there. */
  readonly file: DesiredFile | undefined
  readonly validate: readonly string[] | undefined
}

export const fileType: ResourceType<Declared, Desired, PathFacts> = {
  name: 'file',
  schema,
  subjectOf: (declared) => declared.file,
  names: textNames,
  resolve: async (declared, room) => {
    if (declared.state === 'absent') return { path: declared.file, file: undefined, validate: undefined }
    const { content, isSecret } = await resolveText(declared, room)
    const mode = fullMode(declared.mode ?? (isSecret ? '0600' : '0644'))
    const { owner, group, validate } = declared
    const file = desiredFile(declared.file, content, { mode, owner, group, isSecret })
    return { path: declared.file, file, validate: validate === undefined ? undefined : asArguments(validate) }
  },
  after: ({ path, file }) => (file === undefined ? aboveAbsent(path) : folderAndOwners(path, file)),
  asks: ({ path, file }) => ({ paths: [askedPath(path, file)] }),
  read: (_, _all, seen) => seen.map(seenPath),
  diff: ({ file }, facts) => {
    if (file !== undefined) return fileDifferences(file, facts)
    return facts.kind === 'absent' ? [] : [{ what: 'state', from: facts.kind, to: undefined }]
  },
  apply: ({ path, file, validate }, { facts, differences }) => {
    if (file === undefined) return removeFile(path)
    if (facts === undefined || isRewritten(differences)) return writeFile({ ...file, validate })
    return setAttributes(file)
  },
}

/** `%s` needs no shell: a text is split at blanks, and quotes in it would not mean what they seem to. */
function asArguments(validate: string | readonly string[]): readonly string[] {
  return typeof validate === 'string' ? validate.trim().split(/\s+/) : validate
}

export function hasOneSource(declared: TextSource & { state?: string }): boolean {
  const { content, source, template, inline, secret } = declared
  const count = [content, source, template, inline, secret].filter((value) => value !== undefined).length
  return declared.state === 'absent' ? count <= 1 : count === 1
}

export function textNames({ source, template, inline, secret }: TextSource): Named[] {
  return [
    ...(source === undefined ? [] : [{ kind: 'file' as const, name: source, key: 'source' }]),
    ...(template === undefined ? [] : [{ kind: 'template' as const, name: template, key: 'template' }]),
    ...(inline === undefined ? [] : [{ kind: 'inline' as const, name: inline, key: 'inline' }]),
    ...(secret === undefined ? [] : [{ kind: 'secret' as const, name: secret, key: 'secret' }]),
  ]
}

/** The text that is meant. A template may name `secrets.<name>`, and is secret then. */
export async function resolveText(
  declared: TextSource,
  room: ResolveRoom,
): Promise<{ content: Buffer; isSecret: boolean }> {
  if (declared.secret !== undefined) {
    return { content: Buffer.from(asFile(await room.secret(declared.secret))), isSecret: true }
  }
  if (declared.content !== undefined) return { content: Buffer.from(declared.content), isSecret: false }
  if (declared.inline !== undefined) return renderText(declared.inline, 'inline', room)
  const path = declared.source ?? declared.template ?? ''
  const bytes = await room.files.read(path)
  if (bytes === undefined) {
    throw new LarderError('FLEET_RESOURCE_INVALID', {
      message: `There is no file ${JSON.stringify(path)} in the site repository.`,
      hint: 'Paths are relative to its root.',
    })
  }
  if (declared.template === undefined) return { content: bytes, isSecret: false }
  return renderText(bytes.toString('utf8'), path, room)
}

/** A secret has lost the end of its last line. Where it has several, programs read none without it: a private key of ssh(1). */
function asFile(secret: string): string {
  return secret.includes('\n') && !secret.endsWith('\n') ? `${secret}\n` : secret
}

async function renderText(
  text: string,
  path: string,
  room: ResolveRoom,
): Promise<{ content: Buffer; isSecret: boolean }> {
  const { shown, asked } = templateSecrets(text, path)
  const known = asked.length === 0 ? [] : await secretNames(room.files)
  const secrets: Record<string, string> = {}
  for (const name of [...shown, ...asked.filter((one) => known.includes(one))]) secrets[name] = await room.secret(name)
  const rendered = renderTemplate(text, { ...room.variables, secrets }, path)
  return { content: Buffer.from(rendered), isSecret: Object.keys(secrets).length > 0 }
}

import {
  readSiteFile,
  closest,
  isLarderError,
  problemAt,
  type Path,
  type Problem,
  type SiteFiles,
} from '../../core/index.ts'
import { mergeEqual } from './merge-equal.ts'
import type { DeclaredResource } from './parse-resources.ts'
import { templateNames } from './render-template.ts'
import { namesOfResources, referredTo } from './resource-references.ts'
import type { Named } from './resource-type.ts'
import { rivalsAmong, type Rivals } from './rivals.ts'
import { excludeEachOther } from './when.ts'

/** What a list of resources is checked against, with no host at hand. What is undefined is not checked. */
export interface ResourceCheck {
  readonly files: SiteFiles
  /** First names that templates may use: `machine`, `port`. */
  readonly variables?: readonly string[]
  /** What these are, where they are not the same for all. */
  readonly values?: ReadonlyMap<DeclaredResource, Readonly<Record<string, unknown>>>
  readonly secrets?: readonly string[]
  readonly mirrors?: readonly string[]
  readonly images?: readonly string[]
  /** Resources of other lists of the same machines, which `after` and `notify` may name. Undefined: any may be there. */
  readonly others?: readonly DeclaredResource[]
}

/** Everything that is wrong with what resources name, each at its place. */
export async function checkResources(declared: readonly DeclaredResource[], check: ResourceCheck): Promise<Problem[]> {
  const all = await mergeEqual(declared, {
    files: check.files,
    resourceOf: (one) => one,
    withResource: (_, less) => less,
    variablesOf: (one) => check.values?.get(one) ?? {},
  })
  const named = await Promise.all(all.map((one) => checkNames(one, check)))
  const rivals = (await rivalsAmong(all, check.files)).map(rivalProblem)
  return [...named.flat(), ...all.flatMap((one) => checkReferences(one, all, check)), ...twins(all), ...rivals]
}

function rivalProblem({ first, second, about }: Rivals): Problem {
  const message = `${second.id} and ${first.id} (${first.origin}) make different things of ${about}`
  return problemAt(second.document, [second.type.name], { message, expected: 'one of them' })
}

async function checkNames(one: DeclaredResource, check: ResourceCheck): Promise<Problem[]> {
  const names = one.type.names?.(one.declared) ?? []
  const problems = await Promise.all(names.map((named) => problemOf(named, one, check)))
  return problems.flat()
}

async function problemOf(named: Named, one: DeclaredResource, check: ResourceCheck): Promise<Problem[]> {
  const { kind, name, key } = named
  if (kind === 'file' || kind === 'template') return problemsOfFile(named, one, check)
  if (kind === 'inline') {
    const { file } = one.document
    const { line } = one.document.positionOf([key])
    // A block begins in the line below its key.
    const isBlock = name.includes('\n')
    return checkTemplate(name, file, check).map((problem) => ({
      ...problem,
      line: problem.line + line - (isBlock ? 0 : 1),
    }))
  }
  const known = { secret: check.secrets, mirror: check.mirrors, image: check.images }[kind]
  if (known === undefined || known.includes(name)) return []
  const suggestion = closest(name, known)
  const problem = {
    message: `there is no ${kind} ${JSON.stringify(name)}`,
    ...(suggestion === undefined ? {} : { suggestion }),
  }
  const path = name === valueAt(one, key) ? [key] : [key, indexOf(one, key, name)]
  return [
    problemAt(one.document, path, {
      ...problem,
      ...(kind === 'secret' ? { expected: `a file secrets/${name}.age` } : {}),
    }),
  ]
}

async function problemsOfFile(
  { kind, name, key }: Named,
  one: DeclaredResource,
  check: ResourceCheck,
): Promise<Problem[]> {
  const read = await readSiteFile(check.files, name)
  if ('fault' in read) return [problemAt(one.document, [key], { message: read.fault })]
  if (kind === 'file') return []
  return checkTemplate(read.bytes.toString('utf8'), name, check)
}

function checkTemplate(text: string, file: string, check: ResourceCheck): Problem[] {
  try {
    return templateNames(text, file).flatMap((used) => problemOfName(used, file, check))
  } catch (error) {
    if (!isLarderError(error, 'FLEET_TEMPLATE_INVALID')) throw error
    const message = error.message
      .slice(file.length + 1)
      .replace(/^[0-9]+: /, '')
      .replace(/\.$/, '')
    return [{ severity: 'error', file, line: Number(error.context['line']), column: 1, message }]
  }
}

function problemOfName(
  used: { name: string; line: number; isOutermost: boolean },
  file: string,
  { variables, secrets }: ResourceCheck,
): Problem[] {
  const place = { severity: 'error' as const, file, line: used.line, column: 1 }
  const [first = '', ...rest] = used.name.split('.')
  if (first === 'secrets') {
    const secret = rest.join('.')
    if (secrets === undefined || secrets.includes(secret)) return []
    return [
      { ...place, message: `there is no secret ${JSON.stringify(secret)}`, expected: `a file secrets/${secret}.age` },
    ]
  }
  if (!used.isOutermost || variables === undefined || variables.includes(first)) return []
  const suggestion = closest(first, variables)
  const message = `nothing is called ${JSON.stringify(first)} here`
  return [{ ...place, message, ...(suggestion === undefined ? {} : { suggestion }) }]
}

function checkReferences(one: DeclaredResource, all: readonly DeclaredResource[], check: ResourceCheck): Problem[] {
  const known = [...all, ...(check.others ?? [])]
  const problems = (key: 'after' | 'notify'): Problem[] =>
    one[key].flatMap((name, index) => {
      const path: Path = Array.isArray(valueAt(one, key)) ? [key, index] : [key]
      const meant = referredTo(name, known)
      if (meant.length === 0) {
        if (check.others === undefined) return []
        const suggestion = closest(name, namesOfResources(known))
        const message = `there is no resource ${JSON.stringify(name)}`
        return [problemAt(one.document, path, { message, ...(suggestion === undefined ? {} : { suggestion }) })]
      }
      if (key === 'after' || meant.every(({ type }) => type.notified !== undefined)) return []
      const message = `${name} cannot be notified: nothing is to be done again with it`
      return [problemAt(one.document, path, { message, expected: 'a service, a container, or a command' })]
    })
  return [...problems('after'), ...problems('notify')]
}

function twins(all: readonly DeclaredResource[]): Problem[] {
  const seen = new Map<string, DeclaredResource[]>()
  return all.flatMap((one) =>
    [...new Set([one.id, ...one.aliases])].flatMap((name) => {
      const others = seen.get(name) ?? []
      seen.set(name, [...others, one])
      const twin = others.find(({ when }) => !excludeEachOther(when, one.when))
      if (twin === undefined) return []
      const isSame = twin.origin === one.origin
      const how = isSame ? ', once for each use of its role, with other variables' : `, first at ${twin.origin}`
      return [problemAt(one.document, [one.type.name], { message: `${name} is declared twice${how}` })]
    }),
  )
}

function valueAt({ document }: DeclaredResource, key: string): unknown {
  return (document.value as Record<string, unknown>)[key]
}

function indexOf(one: DeclaredResource, key: string, name: string): number {
  const value = valueAt(one, key)
  return Array.isArray(value) ? Math.max(0, value.indexOf(name)) : 0
}

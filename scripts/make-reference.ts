// npm run reference: writes docs/site-files.md from the schemas that site files are validated with, and docs/errors.md.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { siteKinds } from '../src/app/site-kinds.ts'
import { jsonSchemaOf } from '../src/pipeline/index.ts'
import { root } from './command.ts'
import { errorReference, errorReferencePath } from './make-error-reference.ts'

export const siteReferencePath = join(root, 'docs/site-files.md')

/** The parts of a JSON Schema that the page shows. */
interface Shape {
  description?: string
  type?: string
  const?: string
  enum?: unknown[]
  default?: unknown
  properties?: Record<string, Shape>
  required?: string[]
  additionalProperties?: Shape | boolean
  items?: Shape
  anyOf?: Shape[]
  oneOf?: Shape[]
  minimum?: number
  maximum?: number
}

export function siteReference(): string {
  const kinds = siteKinds()
  const site = jsonSchemaOf('larder.yaml', kinds) as Shape
  const list = jsonSchemaOf('packages.json', kinds) as Shape
  const images = jsonSchemaOf('images.json', kinds) as Shape
  const image = images.items ?? {}
  return [
    ...[opening, ...sectionsOf(site), packageLists, ...entriesOf(list), versions],
    ...[imageLists, ...table(image), ''],
  ].join('\n')
}

const opening = `# The files of a site

<!-- Made from the schemas by \`npm run reference\`: change it there. -->

A site repository has \`larder.yaml\` at its root, and the files that it names. \`larder check\` reports every mistake of
every file at once, with file, line and column: names that no upstream has, too, for which it reads their indices (not with
\`--offline\`). A push to the site does the same before a package is downloaded. An unknown key is a mistake, never ignored. \`larder schema FILE\` prints the JSON Schema of a file, for editors; whole sites
to copy are in [examples](../examples).

YAML is version 1.2 (\`yes\` and \`on\` are text; write \`true\`), one document of at most 1 MiB, indented with blanks. Tags,
directives and merge keys (\`<<\`) are refused. JSON is plain JSON of at most 64 MiB. Paths are relative to the root of the
repository. Keys that are **bold** must be there.

## larder.yaml
`

const packageLists = `
## Package lists: packages.json

A package list is JSON or YAML, as its name ends in \`.json\`, \`.yaml\` or \`.yml\`; or it is written in \`larder.yaml\` itself.
It is a list, or a map whose only key is \`packages\`, which is the list. All shapes of an entry mean the same:

\`\`\`json
[{ "package_command": "nmap" }, { "package_command": "curl nginx (>= 1.22)" }]
["nmap", "curl", "nginx (>= 1.22)"]
[{ "name": "nmap" }, { "name": "curl" }, { "name": "nginx", "version": ">= 1.22" }]
\`\`\`

A text holds one name or several, with blanks between them. Each may have an architecture (\`libc6:amd64\`) and a version
(\`nginx (>= 1.22)\`, \`nginx >= 1.22\`, \`nginx=1.22.1-9\`). The command of a package manager before the names
(\`apt-get install -y\`) and options are ignored with a warning. A package that is listed twice is a warning; if the two
say different things, it is a mistake.

For an RPM mirror a text may also be \`name.architecture\`, a capability (\`webserver\`) or the path of a file
(\`/usr/bin/python3\`): as with dnf, whatever provides it is taken when no package has that name.
`

const versions = `
| version | is met by |
|---|---|
| \`= 1.22.1-9\` | exactly that version |
| \`>= 1.22\` | that or any later one |
| \`<= 1.22\` | that or any earlier one |
| \`>> 1.22\` | only later ones |
| \`<< 1.22\` | only earlier ones |
`

const imageLists = `
## Lists of images: images.json

A list of images, JSON or YAML; [images.md](images.md) says what becomes of them.
`

function sectionsOf(site: Shape): string[] {
  return Object.entries(site.properties ?? {}).flatMap(([name, section]) => {
    const title = [`### \`${name}\``, '', section.description ?? '', '']
    if (section.properties !== undefined) return [...title, ...table(section), '']
    if (typeof section.additionalProperties !== 'object') return title
    const options = optionsOf(section.additionalProperties)
    const [only] = options
    if (only !== undefined && options.length === 1 && formatOf(only) === '') return [...title, ...table(only), '']
    return [...title, ...options.flatMap((option) => [`Format \`${formatOf(option)}\`:`, '', ...table(option), ''])]
  })
}

function entriesOf(list: Shape): string[] {
  const entries = optionsOf(list).find((option) => option.type === 'array')?.items
  return optionsOf(entries ?? {})
    .filter((option) => option.properties !== undefined)
    .flatMap((option) => [option.description ?? '', '', ...table(option), ''])
}

function table(object: Shape): string[] {
  return ['| key | value | default | meaning |', '|---|---|---|---|', ...rows(object, '')]
}

function rows(object: Shape, prefix: string): string[] {
  return Object.entries(object.properties ?? {}).flatMap(([name, shape]) => {
    const key = `\`${prefix}${name}\``
    const shown = object.required?.includes(name) === true ? `**${key}**` : key
    const fallback = shape.default === undefined || shape.properties ? '' : `\`${JSON.stringify(shape.default)}\``
    // The column says it already.
    const meaning = (shape.description ?? '').replace(/ Default:? [^.]*\.$/, (text) => (fallback === '' ? text : ''))
    const row = `| ${shown} | ${escape(valueOf(shape))} | ${escape(fallback)} | ${escape(meaning)} |`
    if (shape.properties !== undefined && meaning === '') return rows(shape, `${prefix}${name}.`)
    return [row, ...rows(shape, `${prefix}${name}.`)]
  })
}

/** `list of text`, `true or false`, `none, essential` */
function valueOf(shape: Shape): string {
  if (shape.const !== undefined) return `\`${shape.const}\``
  if (shape.enum !== undefined) return shape.enum.map((value) => `\`${String(value)}\``).join(', ')
  const options = shape.anyOf ?? shape.oneOf
  if (options !== undefined) return options.map(valueOf).join(' or ')
  if (shape.type === 'array') {
    const items = shape.items?.anyOf === undefined ? valueOf(shape.items ?? {}) : 'packages'
    return `list of ${items}`
  }
  if (shape.type === 'integer') return `whole number${rangeOf(shape)}`
  return { string: 'text', boolean: 'true or false', number: 'number', object: 'map' }[shape.type ?? ''] ?? 'anything'
}

function rangeOf({ minimum, maximum }: Shape): string {
  if (minimum === undefined || maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) return ''
  return `, ${minimum} to ${maximum}`
}

function optionsOf(shape: Shape): Shape[] {
  return shape.oneOf ?? shape.anyOf ?? [shape]
}

function formatOf(shape: Shape): string {
  return shape.properties?.['format']?.const ?? ''
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(siteReferencePath, siteReference())
  writeFileSync(errorReferencePath, errorReference())
}

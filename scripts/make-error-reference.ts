// npm run reference: writes docs/errors.md from the catalogue of errors.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { catalogue } from '../src/core/index.ts'
import { root } from './command.ts'

export const errorReferencePath = join(root, 'docs/errors.md')

/** The page: one row for each code, in the order of the alphabet, so that a code is found by eye. */
export function errorReference(): string {
  const rows = Object.entries(catalogue)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([code, entry]) => {
      const again = entry.retryable ? 'yes' : 'no'
      return `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${entry.description} | ${entry.exitCode} | ${entry.httpStatus} | ${again} |`
    })
  return [
    '# Errors',
    '',
    '<!-- Made from src/core/error-catalogue.ts by `npm run reference`: change it there. -->',
    '',
    'Every failure that Larder foresees has a code, which never comes to mean anything else. Commands print it with',
    'what happened, where, why, and what to do next; `--json` and the HTTP interface give `code`, `message`, `hint` and',
    '`context`. Anything that fails without a code is a bug: please report it.',
    '',
    'Exit status of a command: 0 done, 1 failed, 2 wrong usage, 3 refused by a check. *Again* tells whether the same',
    'may succeed later without anything being changed: Larder itself tries such steps again.',
    '',
    '| code | meaning | exit | HTTP | again |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(errorReferencePath, errorReference())

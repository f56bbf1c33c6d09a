import { LarderError } from '../../core/index.ts'

/** Text that a POSIX shell may run. Only `sh` makes one, so that no value from outside ever gets into it unquoted. */
export interface Script {
  readonly shell: string
}

type Value = string | number | Script | readonly (string | number)[]

/**
 * A script of this text, in which each value stands as one word, quoted (POSIX sh §2.2.2); a list stands as several; a
 * script as it is. FLEET_VALUE_UNUSABLE for a value with a NUL, which no argument of a program can hold.
 */
export function sh(text: TemplateStringsArray, ...values: readonly Value[]): Script {
  const parts = values.map((value, index) => asShell(value) + (text[index + 1] ?? ''))
  return { shell: (text[0] ?? '') + parts.join('') }
}

/** Several scripts, one after the other, a line each. */
export function lines(...scripts: readonly Script[]): Script {
  return { shell: scripts.map(({ shell }) => shell).join('\n') }
}

export const nothing: Script = { shell: '' }

function asShell(value: Value): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return quote(String(value))
  return 'shell' in value ? value.shell : value.map((one) => quote(String(one))).join(' ')
}

/** What is between single quotes is what it is; a single quote ends them, stands quoted by a backslash, and they begin again. */
function quote(value: string): string {
  if (value.includes('\0')) {
    throw new LarderError('FLEET_VALUE_UNUSABLE', {
      message: `${JSON.stringify(value.slice(0, 60))} has a NUL character, which no file name and no argument can hold.`,
      hint: 'Leave it out.',
    })
  }
  return `'${value.replaceAll("'", `'\\''`)}'`
}

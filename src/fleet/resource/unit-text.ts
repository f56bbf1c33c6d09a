import { LarderError } from '../../core/index.ts'

/**
 * Arguments as a line of a unit: each in double quotes, with C escapes, so that neither blanks, quotes, specifiers (`%`) nor
 * variables (`$`) mean anything: systemd.service(5), COMMAND LINES; systemd.syntax(7), QUOTING. FLEET_VALUE_UNUSABLE for a NUL.
 */
export function unitCommand(words: readonly string[]): string {
  return words.map((word) => unitWord(word).replaceAll('$', '$$$$')).join(' ')
}

/** A value in quotes: of Environment=, too, where `$` means nothing. */
export function unitWord(text: string): string {
  if (text.includes('\0')) {
    throw new LarderError('FLEET_VALUE_UNUSABLE', {
      message: 'A value for a unit of systemd has a NUL character.',
      hint: 'Leave it out.',
    })
  }
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replace(/[\u0001-\u001f\u007f]/g, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return `"${escaped}"`
}

/** EnvironmentFile= of systemd.exec(5): values in double quotes, in which `"`, `\`, `$` and a back quote are escaped. */
export function environmentFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}="${value.replace(/["\\$`]/g, '\\$&')}"\n`)
    .join('')
}

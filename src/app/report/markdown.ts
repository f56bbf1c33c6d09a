/**
 * Text from outside as a code span: nothing in it is markup, nobody is notified by it, and no address in it becomes a
 * link. Of what a code span cannot hold, backticks become apostrophes; control characters and line ends become spaces,
 * and what changes the direction of writing goes. Source: CommonMark §6.1.
 */
export function codeSpan(text: string): string {
  const line = text
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll(/[\s\p{Cc}]+/gu, ' ')
    .replaceAll('`', "'")
    .trim()
  return line === '' ? '' : `\`${line}\``
}

/** The same inside a table, where a bar would end the cell. Source: GitHub Flavored Markdown §4.10. */
export function codeCell(text: string): string {
  return codeSpan(text.replaceAll('|', '¦'))
}

/** Lines from outside as a block of code, with a fence that none of them can close. */
export function codeBlock(lines: readonly string[], language = 'text'): string {
  const clean = lines.map((line) =>
    line.replaceAll(/[\p{Cf}\p{Cc}]/gu, (character) => (character === '\n' ? '\n' : ' ')),
  )
  const text = clean.join('\n')
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** `summary` must be ours: it stands in HTML. */
export function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`
}

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

/**
 * Text from outside as a block of code. No line of it can close the block, nor be taken for a command by whoever reads
 * comments line by line: a forge (`/merge`), its bots, or Larder itself (`/larder ok`), to whom ours is the word of
 * somebody who may say so.
 */
export function codeBlock(texts: readonly string[], language = 'text'): string {
  const lines = texts.flatMap((text) => text.split(/[\n\r\u2028\u2029]/)).map((line) => plainLine(line))
  return ['```' + language, ...lines, '```'].join('\n')
}

function plainLine(line: string): string {
  const plain = line.replaceAll(/[\p{Cf}\p{Cc}]/gu, ' ').replaceAll('```', "'''")
  return /^\s*\//.test(plain) ? `· ${plain}` : plain
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** `summary` must be ours: it stands in HTML. */
export function folded(summary: string, content: string): string {
  return `<details><summary>${summary}</summary>\n\n${content}\n\n</details>`
}

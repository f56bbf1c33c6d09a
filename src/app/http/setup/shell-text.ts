/** One word of a POSIX shell, whatever is in it. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** A here-document's body and both delimiters, nothing in it being expanded. */
export function hereDocument(text: string): string {
  const lines = text.replace(/\n*$/, '').split('\n')
  let delimiter = 'END_OF_FILE'
  while (lines.includes(delimiter)) delimiter += '_'
  return `<<'${delimiter}'\n${lines.join('\n')}\n${delimiter}`
}

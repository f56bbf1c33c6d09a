import { SaxesParser } from 'saxes'

/** An element of a small answer. */
export interface XmlReply {
  name: string
  children: XmlReply[]
  text: string
}

/** Reads an answer of EC2 or S3; undefined for what is no XML, as an answer of something in between may be. */
export function parseReply(text: string): XmlReply | undefined {
  const parser = new SaxesParser()
  const root: XmlReply = { name: '', children: [], text: '' }
  const open: XmlReply[] = [root]
  const faults: Error[] = []
  parser.on('error', (error) => {
    faults.push(error)
  })
  parser.on('opentag', ({ name }) => {
    const element: XmlReply = { name, children: [], text: '' }
    open.at(-1)?.children.push(element)
    open.push(element)
  })
  parser.on('text', (part) => {
    open.at(-1)!.text += part
  })
  parser.on('closetag', () => {
    const element = open.pop()!
    element.text = element.text.trim()
  })
  parser.write(text).close()
  return faults.length > 0 ? undefined : root.children[0]
}

/** The text at a path of names below an element; undefined where there is none. */
export function textAt(element: XmlReply | undefined, ...names: string[]): string | undefined {
  return elementAt(element, ...names)?.text
}

/** The elements of a name in a list that a path leads to. */
export function listAt(element: XmlReply | undefined, path: readonly string[], name: string): XmlReply[] {
  return elementAt(element, ...path)?.children.filter((child) => child.name === name) ?? []
}

function elementAt(element: XmlReply | undefined, ...names: string[]): XmlReply | undefined {
  let at = element
  for (const name of names) at = at?.children.find((child) => child.name === name)
  return at
}

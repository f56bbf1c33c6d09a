import { SaxesParser } from 'saxes'
import { LarderError, type ErrorCode } from '../core/index.ts'

/** An element of a small document. Names are local: which prefix a publisher chose says nothing. */
export interface XmlElement {
  name: string
  /** By the name as it is written: `type`, `xml:base`. */
  attributes: Readonly<Record<string, string>>
  children: XmlElement[]
  /** Its own text, trimmed. */
  text: string
  /** Where it lies in the text of the document: `<` of its first tag, and the place after its last. */
  start: number
  end: number
}

export interface XmlDocument {
  root: XmlElement
  /** The document as `start` and `end` count. */
  text: string
}

export interface XmlOptions {
  /** For messages: `repomd.xml`. */
  label: string
  /** Local name of the root. */
  root: string
  /** What is thrown. Default: RPM_XML_MALFORMED. */
  code?: ErrorCode
  /** Whether it may name a document type, as comps.xml does. It may declare nothing in any case. Default: no. */
  allowsDoctype?: boolean
}

/** Nothing that is of use is deeper. */
const maxDepth = 100

/**
 * Reads a whole document into a tree: for files of some megabytes at most. Strict: UTF-8, well-formed, every prefix
 * bound; no declarations, and so no entities but XML's own. Control characters that XML forbids are taken for U+FFFD:
 * some publishers let them through.
 *
 * @throws the code of the options
 */
export function parseXml(bytes: Uint8Array, options: XmlOptions): XmlDocument {
  const { label, root: rootName, code = 'RPM_XML_MALFORMED', allowsDoctype = false } = options
  const refuse = (why: string): LarderError =>
    new LarderError(code, { message: `${label} cannot be understood: ${why}`, context: { label } })
  const text = decodeUtf8(bytes, refuse)
  const root = readTree(text, allowsDoctype, refuse)
  if (root.name !== rootName) throw refuse(`its root is <${root.name.slice(0, 60)}>, not <${rootName}>`)
  return { root, text }
}

export function childrenOf(element: XmlElement, name: string): XmlElement[] {
  return element.children.filter((child) => child.name === name)
}

export function childOf(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find((child) => child.name === name)
}

export function textOf(element: XmlElement, name: string): string | undefined {
  return childOf(element, name)?.text
}

/** As it is read and written again: `&`, `<`, `>`, `"` and what an attribute would lose as references. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"\t\n\r]/g, (character) => escapes[character]!)
}

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\t': '&#9;',
  '\n': '&#10;',
  '\r': '&#13;',
}

type Refuse = (why: string) => LarderError

function decodeUtf8(bytes: Uint8Array, refuse: Refuse): string {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw refuse('it is not UTF-8')
  }
}

function readTree(text: string, allowsDoctype: boolean, refuse: Refuse): XmlElement {
  const parser = new SaxesParser({ xmlns: true, position: true })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let start = 0
  const add = (part: string): void => {
    const element = open.at(-1)
    if (element !== undefined) element.text += part
  }
  parser.on('error', (error) => {
    throw refuse(error.message)
  })
  parser.on('doctype', (doctype) => {
    if (!allowsDoctype || doctype.includes('[')) throw refuse('it has a document type, which no such file needs')
  })
  parser.on('xmldecl', ({ encoding }) => {
    if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding))
      throw refuse(`it says that it is ${encoding.slice(0, 40)}, not UTF-8`)
  })
  parser.on('opentagstart', () => {
    start = text.lastIndexOf('<', parser.position - 1)
  })
  parser.on('opentag', ({ local, attributes }) => {
    if (open.length >= maxDepth) throw refuse(`its elements are more than ${maxDepth} deep`)
    const values = Object.entries(attributes).map(([name, { value }]) => [name, value])
    const element: XmlElement = {
      name: local,
      attributes: Object.fromEntries(values) as Record<string, string>,
      children: [],
      text: '',
      start,
      end: start,
    }
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('text', add)
  parser.on('cdata', add)
  parser.on('closetag', () => {
    const element = open.pop()!
    element.text = element.text.trim()
    element.end = parser.position
  })
  parser.write(text).close()
  if (root === undefined) throw refuse('it is empty')
  return root
}

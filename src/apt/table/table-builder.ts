import { ByteClass, ByteHeap, Column, Interner, isOneOf } from '../../table/index.ts'
import { Field, type FieldId } from './field.ts'
import { faultOfPackage, faultOfSource } from './stanza-fault.ts'
import type { Stanza } from './scan-stanzas.ts'
import { isYes, oneOf, splitAtCommas } from './stanza-value.ts'
import { multiArchNames, packFlags, priorityNames, RowFlag } from './table-layout.ts'
import type { Excluded, IndexData, IndexKind } from './table-layout.ts'

/** More than this is never shown to a person. */
const maxExcludedKept = 100

/** Collects the table of an index, stanza by stanza. */
export class TableBuilder {
  excludedCount = 0
  readonly excluded: Excluded[] = []
  private readonly kind: IndexKind
  private readonly words = new Interner()
  private readonly provides = new ByteHeap()
  private readonly column = {
    name: new Column(Uint32Array),
    version: new Column(Uint32Array),
    architecture: new Column(Uint32Array),
    offset: new Column(Uint32Array),
    length: new Column(Uint32Array),
    flags: new Column(Uint16Array),
    provideRow: new Column(Uint32Array),
    provideName: new Column(Uint32Array),
    provideStart: new Column(Uint32Array),
  }

  constructor(kind: IndexKind) {
    this.kind = kind
    this.column.provideStart.push(0)
  }

  get rowCount(): number {
    return this.column.name.length
  }

  /** `textOffset`: where the first byte of the scanned buffer lies in the text. */
  add(stanza: Stanza, textOffset: number): void {
    const fault = this.kind === 'packages' ? faultOfPackage(stanza) : faultOfSource(stanza)
    if (fault !== undefined) return this.exclude(stanza, fault)
    const { column } = this
    column.name.push(this.word(stanza, Field.package))
    column.version.push(this.word(stanza, Field.version))
    column.architecture.push(this.word(stanza, Field.architecture))
    column.offset.push(textOffset + stanza.start)
    column.length.push(stanza.end - stanza.start)
    column.flags.push(this.kind === 'packages' ? flagsOf(stanza) : packFlags(0, 'no', 'optional'))
    if (this.kind === 'packages') this.addProvides(stanza)
  }

  finish(): { columns: Omit<IndexData['columns'], 'blockCrc'>; heaps: IndexData['heaps'] } {
    const { column, words } = this
    return {
      columns: {
        name: column.name.values(),
        version: column.version.values(),
        architecture: column.architecture.values(),
        offset: column.offset.values(),
        length: column.length.values(),
        flags: column.flags.values(),
        provideRow: column.provideRow.values(),
        provideName: column.provideName.values(),
        provideStart: column.provideStart.values(),
        wordStart: words.starts.values(),
      },
      heaps: { words: words.heap.values(), provides: this.provides.values() },
    }
  }

  private addProvides(stanza: Stanza): void {
    const { bytes } = stanza
    const row = this.rowCount - 1
    if (stanza.valueEnd[Field.provides] === stanza.valueStart[Field.provides]) return
    splitAtCommas(stanza, Field.provides, (start, end) => {
      let nameEnd = start
      while (nameEnd < end && isOneOf(bytes[nameEnd]!, ByteClass.name)) nameEnd++
      this.provides.append(bytes, start, end)
      this.column.provideRow.push(row)
      this.column.provideName.push(this.words.intern(bytes, start, nameEnd))
      this.column.provideStart.push(this.provides.length)
    })
  }

  private word(stanza: Stanza, field: FieldId): number {
    return this.words.intern(stanza.bytes, stanza.valueStart[field]!, stanza.valueEnd[field]!)
  }

  private exclude(stanza: Stanza, reason: string): void {
    this.excludedCount++
    if (this.excluded.length >= maxExcludedKept) return
    const start = stanza.valueStart[Field.package]!
    const end = Math.min(stanza.valueEnd[Field.package]!, start + 100)
    this.excluded.push({ package: stanza.bytes.toString('latin1', start, end), line: stanza.line, reason })
  }
}

function flagsOf(stanza: Stanza): number {
  let flags = 0
  if (isYes(stanza, Field.essential)) flags |= RowFlag.essential
  if (isYes(stanza, Field.protected)) flags |= RowFlag.protected
  if (isYes(stanza, Field.important)) flags |= RowFlag.important
  const multiArch = oneOf(stanza, Field.multiArch, multiArchNames) ?? 'no'
  const priority = oneOf(stanza, Field.priority, priorityNames) ?? 'optional'
  return packFlags(flags, multiArch, priority)
}

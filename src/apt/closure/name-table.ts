import type { Interner } from '../../table/index.ts'

/** Longer than any name that an index may have. */
const scratch = Buffer.alloc(512)

/** Names by their number. Few of those of a distribution are ever asked for as text: strings are made of these alone. */
export class NameTable {
  readonly count: number
  private readonly names: Interner
  private readonly texts: (string | undefined)[]

  constructor(names: Interner) {
    this.names = names
    this.count = names.size
    this.texts = new Array<string | undefined>(names.size)
  }

  text(id: number): string {
    return (this.texts[id] ??= this.names.text(id))
  }

  /** The number of a name, or -1. */
  find(name: string): number {
    if (name.length > scratch.length) return -1
    // Characters that one byte cannot hold are cut: what was found is looked at again.
    const id = this.names.find(scratch, 0, scratch.write(name, 'latin1'))
    return id >= 0 && this.text(id) === name ? id : -1
  }
}

/** Tells names apart in bytes: by length and first letter, of which no two may share both; then by all letters. */
export class NameTable {
  private readonly names: readonly Buffer[]
  private readonly idAt: Int8Array
  private readonly longest: number

  constructor(names: readonly string[]) {
    this.names = names.map((name) => Buffer.from(name))
    this.longest = Math.max(...names.map((name) => name.length))
    this.idAt = new Int8Array((this.longest + 1) * 32).fill(-1)
    for (const [id, name] of this.names.entries()) {
      const slot = name.length * 32 + (name[0]! & 31)
      if (this.idAt[slot] !== -1) throw new Error(`the name ${names[id]!} is as long as another of its letter`)
      this.idAt[slot] = id
    }
  }

  /** Place in the list of names, or -1. */
  idOf(bytes: Buffer, start: number, end: number): number {
    const length = end - start
    if (length === 0 || length > this.longest) return -1
    const id = this.idAt[length * 32 + (bytes[start]! & 31)]!
    if (id < 0) return -1
    const name = this.names[id]!
    for (let i = 0; i < length; i++) if (bytes[start + i] !== name[i]) return -1
    return id
  }
}

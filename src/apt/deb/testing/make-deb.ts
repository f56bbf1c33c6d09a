import { gzipSync } from 'node:zlib'

export interface TarItem {
  path: string
  content?: string
  /** Default: `0`, a file. */
  type?: string
}

/** A .deb made by hand, for tests of what dpkg-deb would never make. */
export function makeDeb(options: {
  control?: string
  files?: readonly TarItem[]
  controlItems?: readonly TarItem[]
}): Buffer {
  const { control = 'Package: a\n', files = [] } = options
  const controlItems = options.controlItems ?? [
    { path: './', type: '5' },
    { path: './control', content: control },
  ]
  return makeAr([
    { name: 'debian-binary', bytes: Buffer.from('2.0\n') },
    { name: 'control.tar.gz', bytes: gzipSync(makeTar(controlItems)) },
    { name: 'data.tar.gz', bytes: gzipSync(makeTar(files)) },
  ])
}

export function makeAr(members: readonly { name: string; bytes: Buffer }[]): Buffer {
  const parts = members.flatMap(({ name, bytes }) => [
    Buffer.from(
      `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'100644'.padEnd(8)}${String(bytes.length).padEnd(10)}\`\n`,
    ),
    bytes,
    Buffer.from(bytes.length % 2 === 0 ? '' : '\n'),
  ])
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts])
}

export function makeTar(items: readonly TarItem[]): Buffer {
  const blocks = items.flatMap(({ path, content = '', type = '0' }) => {
    const bytes = Buffer.from(content)
    return [makeTarHeader(path, bytes.length, type), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}

export function makeTarHeader(path: string, sizeBytes: number, type: string): Buffer {
  const header = Buffer.alloc(512)
  header.write(path, 0, 100)
  header.write('0000644\0', 100)
  header.write(`${sizeBytes.toString(8).padStart(11, '0')}\0`, 124)
  header.write('        ', 148)
  header.write(type, 156)
  header.write('ustar\0' + '00', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return header
}

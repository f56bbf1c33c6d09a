const sectorBytes = 512
const reservedSectors = 32
const fatCount = 2
/** Fewer clusters, and a reader takes it for FAT16. Source: Microsoft FAT specification 1.03, "FAT Type Determination". */
const minClusters = 65_525
const clusterMark = 0x0fffffff
const entryBytes = 32

/** The smallest volume that is FAT32, with room for 16 MiB: what an EFI system partition has to hold here is one file. */
export const fatVolumeBytes = 40 * 1024 * 1024

/**
 * A FAT32 volume of `fatVolumeBytes` with one file, `EFI/BOOT/BOOTX64.EFI`. Only what is to be written: its beginning;
 * the rest of the volume is zeros. Source: Microsoft FAT specification 1.03; UEFI specification 13.3 and 3.5.1.1.
 */
export function makeEfiVolume(options: {
  program: Uint8Array
  /** 32 bits. */
  volumeId: number
  startSector: number
  createdAt: Date
}): Buffer {
  const { program } = options
  const sectors = fatVolumeBytes / sectorBytes
  const fatSectors = Math.ceil(((sectors - reservedSectors) * 4) / sectorBytes)
  const dataSector = reservedSectors + fatCount * fatSectors
  const programClusters = Math.ceil(program.length / sectorBytes)
  if (sectors - dataSector < Math.max(minClusters, programClusters + 3)) throw new RangeError('the volume is too small')
  const [root, efi, boot, file] = [2, 3, 4, 5]
  const volume = Buffer.alloc((dataSector + 3 + programClusters) * sectorBytes)
  const cluster = (number: number): Buffer => volume.subarray((dataSector + number - 2) * sectorBytes)
  const bootSector = makeBootSector({ ...options, sectors, fatSectors })
  const free = { count: sectors - dataSector - 3 - programClusters, next: file + programClusters }
  for (const at of [0, 6]) {
    bootSector.copy(volume, at * sectorBytes)
    makeInfoSector(free).copy(volume, (at + 1) * sectorBytes)
  }
  const fat = Buffer.alloc(fatSectors * sectorBytes)
  ;[0x0ffffff8, clusterMark, clusterMark, clusterMark, clusterMark].forEach((mark, at) =>
    fat.writeUInt32LE(mark, at * 4),
  )
  for (let index = 0; index < programClusters; index++) {
    const isLast = index === programClusters - 1
    fat.writeUInt32LE(isLast ? clusterMark : file + index + 1, (file + index) * 4)
  }
  for (let copy = 0; copy < fatCount; copy++) fat.copy(volume, (reservedSectors + copy * fatSectors) * sectorBytes)
  const entry = entryWriter(options.createdAt)
  cluster(root).set(entry('EFI        ', { folder: efi }))
  cluster(efi).set(
    Buffer.concat([
      entry('.          ', { folder: efi }),
      entry('..         ', { folder: 0 }),
      entry('BOOT       ', { folder: boot }),
    ]),
  )
  cluster(boot).set(
    Buffer.concat([
      entry('.          ', { folder: boot }),
      entry('..         ', { folder: efi }),
      entry('BOOTX64 EFI', { file, sizeBytes: program.length }),
    ]),
  )
  cluster(file).set(program)
  return volume
}

function makeBootSector(options: {
  volumeId: number
  startSector: number
  sectors: number
  fatSectors: number
}): Buffer {
  const sector = Buffer.alloc(sectorBytes)
  Buffer.from([0xeb, 0x58, 0x90]).copy(sector)
  sector.write('LARDER  ', 3, 'latin1')
  sector.writeUInt16LE(sectorBytes, 11)
  sector.writeUInt8(1, 13)
  sector.writeUInt16LE(reservedSectors, 14)
  sector.writeUInt8(fatCount, 16)
  sector.writeUInt8(0xf8, 21)
  sector.writeUInt16LE(63, 24)
  sector.writeUInt16LE(255, 26)
  sector.writeUInt32LE(options.startSector, 28)
  sector.writeUInt32LE(options.sectors, 32)
  sector.writeUInt32LE(options.fatSectors, 36)
  sector.writeUInt32LE(2, 44)
  sector.writeUInt16LE(1, 48)
  sector.writeUInt16LE(6, 50)
  sector.writeUInt8(0x80, 64)
  sector.writeUInt8(0x29, 66)
  sector.writeUInt32LE(options.volumeId >>> 0, 67)
  sector.write('NO NAME    FAT32   ', 71, 'latin1')
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

function makeInfoSector(free: { count: number; next: number }): Buffer {
  const sector = Buffer.alloc(sectorBytes)
  sector.write('RRaA', 0, 'latin1')
  sector.write('rrAa', 484, 'latin1')
  sector.writeUInt32LE(free.count, 488)
  sector.writeUInt32LE(free.next, 492)
  sector.writeUInt16LE(0xaa55, 510)
  return sector
}

type EntryContent = { folder: number } | { file: number; sizeBytes: number }

function entryWriter(at: Date): (name: string, content: EntryContent) => Buffer {
  const day = (Math.max(at.getUTCFullYear() - 1980, 0) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate()
  const time = (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1)
  return (name, content) => {
    const entry = Buffer.alloc(entryBytes)
    const cluster = 'folder' in content ? content.folder : content.file
    entry.write(name, 0, 'latin1')
    entry.writeUInt8('folder' in content ? 0x10 : 0x20, 11)
    for (const place of [14, 22]) entry.writeUInt16LE(time, place)
    for (const place of [16, 18, 24]) entry.writeUInt16LE(day, place)
    entry.writeUInt16LE(cluster >>> 16, 20)
    entry.writeUInt16LE(cluster & 0xffff, 26)
    if ('sizeBytes' in content) entry.writeUInt32LE(content.sizeBytes, 28)
    return entry
  }
}

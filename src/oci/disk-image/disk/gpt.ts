import { crc32 } from 'node:zlib'

export interface Partition {
  /** 1 to 128: the number that Linux names it by, whatever its place. */
  number: number
  /** What it is for. */
  typeUuid: string
  uuid: string
  /** At most 36 characters. */
  name: string
  startSector: number
  sectors: number
}

export const sectorBytes = 512

/** Source: UEFI specification 5.3.3; the first is GRUB's. The last is that of the Discoverable Partitions Specification. */
export const partitionTypes = {
  biosBoot: '21686148-6449-6e6f-744e-656564454649',
  efiSystem: 'c12a7328-f81f-11d2-ba4b-00a0c93ec93b',
  linuxRootAmd64: '4f68bce3-e8cd-4db1-96e7-fbcaf984b709',
} as const

const entryCount = 128
const entryBytes = 128
const tableSectors = (entryCount * entryBytes) / sectorBytes
/** Record, header and entries: where the first partition may begin. */
const firstUsableSector = 2 + tableSectors

export interface PartitionTable {
  /** From sector 0: protective record, header, entries. Its first 440 bytes are left to a boot loader. */
  first: Buffer
  /** What ends the disk: entries, header. */
  last: Buffer
  lastStartSector: number
}

/** A GUID partition table. Source: UEFI specification 5.2.3 (protective record), 5.3.2 (header), 5.3.3 (entries). */
export function makePartitionTable(options: {
  diskUuid: string
  diskSectors: number
  partitions: readonly Partition[]
}): PartitionTable {
  const { diskSectors, partitions } = options
  const entries = Buffer.alloc(entryCount * entryBytes)
  for (const partition of partitions) writeEntry(entries.subarray((partition.number - 1) * entryBytes), partition)
  const lastSector = diskSectors - 1
  const lastStartSector = lastSector - tableSectors
  const header = (at: number, other: number, entriesAt: number): Buffer =>
    makeHeader({ ...options, at, other, entriesAt, entriesChecksum: crc32(entries) })
  return {
    first: Buffer.concat([makeProtectiveRecord(diskSectors), header(1, lastSector, 2), entries]),
    last: Buffer.concat([entries, header(lastSector, 1, lastStartSector)]),
    lastStartSector,
  }
}

function makeProtectiveRecord(diskSectors: number): Buffer {
  const record = Buffer.alloc(sectorBytes)
  const entry = record.subarray(446, 462)
  // From sector 1 to the end, as far as a cylinder or 32 bits can tell; not marked as active.
  Buffer.from([0x00, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff]).copy(entry)
  entry.writeUInt32LE(1, 8)
  entry.writeUInt32LE(Math.min(diskSectors - 1, 0xffffffff), 12)
  record.writeUInt16LE(0xaa55, 510)
  return record
}

function makeHeader(header: {
  diskUuid: string
  diskSectors: number
  at: number
  other: number
  entriesAt: number
  entriesChecksum: number
}): Buffer {
  const sector = Buffer.alloc(sectorBytes)
  const bytes = sector.subarray(0, 92)
  bytes.write('EFI PART', 0, 'latin1')
  bytes.writeUInt32LE(0x00010000, 8)
  bytes.writeUInt32LE(bytes.length, 12)
  bytes.writeBigUInt64LE(BigInt(header.at), 24)
  bytes.writeBigUInt64LE(BigInt(header.other), 32)
  bytes.writeBigUInt64LE(BigInt(firstUsableSector), 40)
  bytes.writeBigUInt64LE(BigInt(header.diskSectors - 2 - tableSectors), 48)
  guidBytes(header.diskUuid).copy(bytes, 56)
  bytes.writeBigUInt64LE(BigInt(header.entriesAt), 72)
  bytes.writeUInt32LE(entryCount, 80)
  bytes.writeUInt32LE(entryBytes, 84)
  bytes.writeUInt32LE(header.entriesChecksum, 88)
  bytes.writeUInt32LE(crc32(bytes), 16)
  return sector
}

function writeEntry(entry: Buffer, { typeUuid, uuid, name, startSector, sectors }: Partition): void {
  guidBytes(typeUuid).copy(entry, 0)
  guidBytes(uuid).copy(entry, 16)
  entry.writeBigUInt64LE(BigInt(startSector), 32)
  entry.writeBigUInt64LE(BigInt(startSector + sectors - 1), 40)
  entry.write(name, 56, 72, 'utf16le')
}

/** The first three parts are stored with the low byte first. Source: UEFI specification, appendix A. */
function guidBytes(uuid: string): Buffer {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  bytes.subarray(0, 4).reverse()
  bytes.subarray(4, 6).reverse()
  bytes.subarray(6, 8).reverse()
  return bytes
}

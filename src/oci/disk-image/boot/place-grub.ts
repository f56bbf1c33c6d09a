import { sectorBytes } from '../disk/gpt.ts'

/** Where in its first sector GRUB is told what. Source: GRUB 2.06, include/grub/i386/pc/boot.h. */
const kernelSectorAt = 0x5c
const bootDriveAt = 0x64
const driveCheckAt = 0x66
/** The rest is the partition table's. */
const bootCodeBytes = 440
/** The last list of blocks in the first sector of the core: its start, its length in sectors. */
const blockListAt = 0x1f4

/**
 * What stands in sector 0 and in the BIOS boot partition, as `grub-bios-setup` would write it to a disk: it asks for a
 * device, and this is a file. The core lies in one piece.
 */
export function placeGrub(
  bios: { bootSector: Buffer; core: Buffer },
  startSector: number,
): { bootCode: Buffer; core: Buffer } {
  const bootCode = Buffer.from(bios.bootSector.subarray(0, bootCodeBytes))
  bootCode.writeBigUInt64LE(BigInt(startSector), kernelSectorAt)
  // Whichever drive the BIOS started; and a hard disk, even if the BIOS says otherwise.
  bootCode.writeUInt8(0xff, bootDriveAt)
  bootCode.writeUInt16LE(0x9090, driveCheckAt)
  const core = Buffer.from(bios.core)
  core.writeBigUInt64LE(BigInt(startSector + 1), blockListAt)
  core.writeUInt16LE(Math.ceil(core.length / sectorBytes) - 1, blockListAt + 8)
  return { bootCode, core }
}

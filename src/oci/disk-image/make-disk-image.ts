import { mkdir, mkdtemp, open, rename, rm, truncate, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../../core/index.ts'
import { addApplication } from './boot/application.ts'
import { findBootParts, type BootParts } from './boot/boot-parts.ts'
import { makeGrub } from './boot/grub.ts'
import { placeGrub } from './boot/place-grub.ts'
import { refuseUnbootable } from './boot/refuse-unbootable.ts'
import { addSystemFiles } from './boot/system-files.ts'
import { planDisk, type DiskPlan, type Extent } from './disk/disk-plan.ts'
import { makeExt4 } from './disk/ext4.ts'
import { makeEfiVolume } from './disk/fat.ts'
import { makePartitionTable, partitionTypes, sectorBytes, type Partition } from './disk/gpt.ts'
import { convertToQcow2 } from './disk/qcow2.ts'
import { ContentSpool } from './source/content-spool.ts'
import { readRoot, type Root, type RootSource } from './source/read-root.ts'
import type { RootTree } from './source/root-tree.ts'
import { treeSeed, uuidOf } from './source/tree-seed.ts'

export interface DiskImageOptions {
  source: RootSource
  /** A root that starts a machine, in which an image of an application then runs as a service. */
  base?: RootSource
  /** Replaced when the image is whole, and not synced: that is for whoever keeps it. Its folder has room for what is made on the way. */
  outputFile: string
  format: 'raw' | 'qcow2'
  /** Of the disk. Default: what the content needs, a quarter more, and 256 MiB. The root grows with a larger disk. */
  sizeBytes?: number
  /** What starts it. Default `both`. */
  firmware?: 'bios' | 'both'
  /** After those that are always there: root, consoles. Default none. */
  kernelArguments?: readonly string[]
  /** The time that everything new in the image has, as in SOURCE_DATE_EPOCH: that of the commit. */
  createdAt: Date
  signal: AbortSignal
  log: Log
}

export interface DiskImage {
  outputFile: string
  format: 'raw' | 'qcow2'
  /** Of the disk that a machine sees. */
  diskBytes: number
  kernelRelease: string
  initPath: string
  firmware: 'bios' | 'both'
}

/**
 * Makes a disk that a machine starts from: GPT, GRUB for BIOS and (unless told otherwise) UEFI, one ext4 labelled `root`
 * that is the last partition. Needs no root's rights, no loop device and no mount; the same input gives the same bytes.
 * Looks first: what cannot start is refused before anything is written.
 *
 * @throws DISK_IMAGE_UNBOOTABLE, DISK_IMAGE_TOO_SMALL, DISK_IMAGE_SOURCE_INVALID, DISK_IMAGE_FAILED, TOOL_MISSING (each
 * names the package), DECOMPRESS_FAILED, DECOMPRESS_BOMB, DISK_FULL, CANCELLED
 */
export async function makeDiskImage(options: DiskImageOptions): Promise<DiskImage> {
  const workFolder = await mkdtemp(`${options.outputFile}.work-`)
  try {
    const names = ['content', 'base', 'made', 'tools']
    for (const name of names) await mkdir(join(workFolder, name))
    return await makeIn(workFolder, options)
  } finally {
    await rm(workFolder, { recursive: true, force: true })
  }
}

const rootLabel = 'root'

async function makeIn(workFolder: string, options: DiskImageOptions): Promise<DiskImage> {
  const { outputFile, format, firmware = 'both', createdAt, signal, log } = options
  const spool = new ContentSpool(join(workFolder, 'made'))
  const { tree, parts } = await readBootable(workFolder, spool, options)
  log.info('a machine can start from the image', { kernel: parts.release, init: parts.initPath })
  const seed = treeSeed(tree)
  const uuids = uuidsOf(seed)
  const { kernelArguments = [] } = options
  const identity = { rootLabel, rootUuid: uuids.fileSystem, rootPartitionUuid: uuids.root }
  await addSystemFiles(tree, spool, { parts, kernelArguments, createdAt, ...identity })
  const hasEfi = firmware === 'both'
  const plan = planDisk(tree, { hasEfi, ...(options.sizeBytes === undefined ? {} : { sizeBytes: options.sizeBytes }) })
  const tools = { workFolder: join(workFolder, 'tools'), signal }
  const grub = await makeGrub({ rootUuid: uuids.fileSystem, hasEfi, ...tools })
  const diskPath = join(workFolder, 'disk.raw')
  await writeFrame(diskPath, plan, { uuids, grub, createdAt })
  const system = { label: rootLabel, uuid: uuids.fileSystem, hashSeed: uuids.hashSeed }
  await makeExt4({ diskPath, plan, tree, createdAt, ...system, ...tools })
  const path = format === 'raw' ? diskPath : await convertToQcow2(diskPath, { signal })
  await rename(path, outputFile)
  const { release: kernelRelease, initPath } = parts
  return { outputFile, format, diskBytes: plan.diskBytes, kernelRelease, initPath, firmware }
}

async function readBootable(
  workFolder: string,
  spool: ContentSpool,
  options: DiskImageOptions,
): Promise<{ tree: RootTree; parts: BootParts }> {
  const { source, base, createdAt, signal } = options
  const image = await readRoot(source, { spoolFolder: join(workFolder, 'content'), signal })
  await refuseOtherMachines(image, 'The image')
  if (!base) return { tree: image.tree, parts: await requireBootParts(image.tree, 'The image') }
  const ground = await readRoot(base, { spoolFolder: join(workFolder, 'base'), signal })
  await refuseOtherMachines(ground, 'The base')
  const parts = await requireBootParts(ground.tree, 'The base')
  const config = image.config ?? folderConfig
  await addApplication(ground.tree, { tree: image.tree, config }, { spool, createdAt })
  return { tree: ground.tree, parts }
}

/** A folder says nothing of what runs in it. */
const folderConfig = {
  architecture: 'amd64',
  os: 'linux',
  entrypoint: [],
  command: [],
  environment: [],
  workingFolder: '/',
  user: '',
}

async function requireBootParts(tree: RootTree, label: string): Promise<BootParts> {
  const found = await findBootParts(tree)
  return Array.isArray(found) ? await refuseUnbootable(tree, found, label) : found
}

async function refuseOtherMachines({ tree, config }: Root, label: string): Promise<void> {
  if (config === undefined || (config.os === 'linux' && config.architecture === 'amd64')) return
  const why = `it is for ${config.os}/${config.architecture}, and disks are made for linux/amd64`
  await refuseUnbootable(tree, [{ part: 'architecture', why }], label)
}

type Uuids = Record<'disk' | 'biosBoot' | 'efiSystem' | 'root' | 'fileSystem' | 'hashSeed', string>

function uuidsOf(seed: string): Uuids {
  const names = ['disk', 'biosBoot', 'efiSystem', 'root', 'fileSystem', 'hashSeed'] as const
  return Object.fromEntries(names.map((name) => [name, uuidOf(seed, name)])) as Uuids
}

/** All but the root's file system. */
async function writeFrame(
  diskPath: string,
  plan: DiskPlan,
  options: { uuids: Uuids; grub: Awaited<ReturnType<typeof makeGrub>>; createdAt: Date },
): Promise<void> {
  const { uuids, grub, createdAt } = options
  const partitions = partitionsOf(plan, uuids)
  const table = makePartitionTable({ diskUuid: uuids.disk, diskSectors: plan.diskBytes / sectorBytes, partitions })
  const { bootCode, core } = placeGrub(grub.bios, plan.biosBoot.startBytes / sectorBytes)
  const file = await open(diskPath, 'wx', 0o600)
  try {
    await truncate(diskPath, plan.diskBytes)
    bootCode.copy(table.first)
    await writeAt(file, table.first, 0)
    await writeAt(file, table.last, table.lastStartSector * sectorBytes)
    await writeAt(file, core, plan.biosBoot.startBytes)
    if (!grub.efi || !plan.efiSystem) return
    const startSector = plan.efiSystem.startBytes / sectorBytes
    const volumeId = parseInt(uuids.efiSystem.slice(0, 8), 16)
    const volume = makeEfiVolume({ program: grub.efi, volumeId, startSector, createdAt })
    await writeAt(file, volume, plan.efiSystem.startBytes)
  } finally {
    await file.close()
  }
}

/** Numbered as the images of distributions are: the root is 1, whatever stands before it. */
function partitionsOf(plan: DiskPlan, uuids: Uuids): Partition[] {
  const place = ({ startBytes, sizeBytes }: Extent) => ({
    startSector: startBytes / sectorBytes,
    sectors: sizeBytes / sectorBytes,
  })
  const { biosBoot, efiSystem, linuxRootAmd64 } = partitionTypes
  return [
    { number: 1, name: 'root', typeUuid: linuxRootAmd64, uuid: uuids.root, ...place(plan.root) },
    { number: 14, name: 'bios', typeUuid: biosBoot, uuid: uuids.biosBoot, ...place(plan.biosBoot) },
    ...(plan.efiSystem
      ? [{ number: 15, name: 'efi', typeUuid: efiSystem, uuid: uuids.efiSystem, ...place(plan.efiSystem) }]
      : []),
  ]
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;)
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
}

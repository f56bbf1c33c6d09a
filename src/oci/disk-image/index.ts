export { makeDiskImage, type DiskImage, type DiskImageOptions } from './make-disk-image.ts'
export type { RootSource } from './source/read-root.ts'

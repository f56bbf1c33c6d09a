export { decompress, type CompressionFormat, type DecompressOptions } from './decompress.ts'
export { unpackToFile, type UnpackToFileOptions } from './unpack-to-file.ts'
export { xzFooterBytes, xzIndexBytes, xzUnpackedBytes } from './xz-size.ts'

export { decompress, type CompressionFormat, type DecompressOptions } from './decompress.ts'

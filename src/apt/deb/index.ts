export { debInMemory, debInStore, type DebSource } from './deb-source.ts'
export { readDebControl } from './read-deb.ts'
export { readFilesOfMany } from './read-many.ts'
export { sortByBytes } from './sort-by-bytes.ts'

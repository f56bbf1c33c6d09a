export { debInMemory, debInStore, type DebSource } from './deb-source.ts'
export { readDebControl, readDebFiles } from './read-deb.ts'

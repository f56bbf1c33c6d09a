export { ByteClass, isAllOf, isOneOf } from './byte-class.ts'
export { ByteHeap, Column } from './column.ts'
export { Interner } from './interner.ts'
